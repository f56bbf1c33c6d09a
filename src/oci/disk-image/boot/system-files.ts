import type { ContentSpool } from '../source/content-spool.ts'
import { defaultAttributes, type Attributes, type RootTree } from '../source/root-tree.ts'
import type { BootParts } from './boot-parts.ts'
import { makeGrubConfig } from './grub-config.ts'
import { readText } from './kernel-image.ts'

export interface SystemFilesOptions {
  parts: BootParts
  rootLabel: string
  rootUuid: string
  rootPartitionUuid: string
  kernelArguments: readonly string[]
  createdAt: Date
}

/**
 * Adds what a root needs to be that of a machine, and takes away what says that it is in a container: fstab, GRUB's
 * configuration, an empty machine-id (each machine then makes its own, and asks nobody at its first start), the folders
 * that Linux mounts on, /dev/console, and what lets systemd grow the root with its disk.
 */
export async function addSystemFiles(tree: RootTree, spool: ContentSpool, options: SystemFilesOptions): Promise<void> {
  const attributes: Attributes = { ...defaultAttributes, modifiedAtS: Math.floor(options.createdAt.getTime() / 1000) }
  const write = async (path: string, text: string): Promise<void> => {
    tree.put(path, await spool.writeFile(text, { ...attributes, mode: 0o644 }))
  }
  for (const [path, mode] of mountPoints)
    if (!tree.find(path)) tree.put(path, { kind: 'folder', attributes: { ...attributes, mode }, entries: new Map() })
  for (const [path, minor, mode] of devices)
    if (!tree.find(path)) tree.put(path, { kind: 'character', attributes: { ...attributes, mode }, ...minor })
  for (const path of containerMarks) tree.hide(path, Infinity)
  const hasSystemd = tree.find('/usr/lib/systemd/systemd') ?? tree.find('/lib/systemd/systemd')
  await write('/etc/fstab', await makeFstab(tree, options.rootLabel, hasSystemd !== undefined))
  if (hasSystemd) {
    await write('/etc/machine-id', '')
    await write('/etc/repart.d/50-root.conf', '[Partition]\nType=root\n')
  }
  await write('/boot/grub/grub.cfg', makeGrubConfig({ ...options, ...options.parts }))
}

const mountPoints: [path: string, mode: number][] = [
  ['/dev', 0o755],
  ['/proc', 0o555],
  ['/run', 0o755],
  ['/sys', 0o555],
  ['/tmp', 0o1777],
]

/** What Linux opens before anything is mounted. Source: Linux, Documentation/admin-guide/devices.txt. */
const devices: [path: string, numbers: { major: number; minor: number }, mode: number][] = [
  ['/dev/console', { major: 5, minor: 1 }, 0o600],
  ['/dev/null', { major: 1, minor: 3 }, 0o666],
]

/** By these systemd would take the machine for a container. */
const containerMarks = ['/.dockerenv', '/run/.containerenv']

/** What was there for other places stays. Source: fstab(5); systemd.mount(5) for x-systemd.growfs. */
async function makeFstab(tree: RootTree, label: string, hasSystemd: boolean): Promise<string> {
  const old = tree.find('/etc/fstab')
  const lines = old?.kind === 'file' ? (await readText(old)).split('\n') : []
  const kept = lines.filter((line) => /^\s*[^#\s]/.test(line) && line.trim().split(/\s+/)[1] !== '/')
  const options = ['errors=remount-ro', ...(hasSystemd ? ['x-systemd.growfs'] : [])].join(',')
  return [`LABEL=${label} / ext4 ${options} 0 1`, ...kept, ''].join('\n')
}
