import { sortedEntries, type RootFile, type RootTree } from '../source/root-tree.ts'
import { isInitrd, readKernelRelease, readText } from './kernel-image.ts'

/** What a machine starts from, as paths in the root. */
export interface BootParts {
  kernelPath: string
  release: string
  /** Undefined where the kernel has in itself what it needs to reach its disk. */
  initrdPath: string | undefined
  initPath: string
}

export interface MissingPart {
  part: 'architecture' | 'kernel' | 'initrd' | 'init' | 'command'
  why: string
}

/** Looks in a root for what a machine starts from, and says of each thing that is not there why it is needed. */
export async function findBootParts(tree: RootTree): Promise<BootParts | MissingPart[]> {
  const missing: MissingPart[] = []
  const kernels = await findKernels(tree)
  const kernel = kernels.find(({ initrdPath, startsAlone }) => initrdPath !== undefined || startsAlone)
  if (kernels.length === 0) missing.push({ part: 'kernel', why: 'there is no Linux for x86-64 in /boot' })
  else if (!kernel) {
    const { path, release } = kernels[0]!
    const why = `${path} needs a first file system to reach its disk, and there is no /boot/initrd.img-${release}`
    missing.push({ part: 'initrd', why })
  }
  const initPath = initPaths.find((path) => isProgram(tree, path))
  if (initPath === undefined) missing.push({ part: 'init', why: `there is no program at ${initPaths.join(' or ')}` })
  if (!kernel || initPath === undefined) return missing
  return { ...bootPaths(tree, kernel), release: kernel.release, initPath }
}

/** Where Linux looks for it, but for a shell. Source: Linux, init/main.c. */
const initPaths = ['/sbin/init', '/etc/init', '/bin/init']

function isProgram(tree: RootTree, path: string): boolean {
  const node = tree.find(path)
  return node?.kind === 'file' && (node.attributes.mode & 0o111) !== 0 && node.sizeBytes > 0
}

interface Kernel {
  path: string
  file: RootFile
  release: string
  initrdPath: string | undefined
  startsAlone: boolean
}

/** The newest first. */
async function findKernels(tree: RootTree): Promise<Kernel[]> {
  const kernels: Kernel[] = []
  for (const path of kernelPaths(tree)) {
    const file = tree.find(path)
    if (file?.kind !== 'file') continue
    const release = await readKernelRelease(file)
    if (release === undefined) continue
    const initrdPath = await findInitrd(tree, path, release)
    kernels.push({ path, file, release, initrdPath, startsAlone: await startsAlone(tree, release) })
  }
  return kernels.sort((left, right) => compareReleases(right.release, left.release))
}

/** Names that may stand in GRUB's configuration; others are left alone. */
const plainName = /^[0-9A-Za-z.+_~-]+$/

function kernelPaths(tree: RootTree): string[] {
  const named = namesIn(tree, '/boot').filter((name) => /^(?:vmlinuz|bzImage|kernel)\b/.test(name))
  const modules = namesIn(tree, '/lib/modules').map((release) => `/lib/modules/${release}/vmlinuz`)
  return [...named.map((name) => `/boot/${name}`), '/vmlinuz', ...modules]
}

function namesIn(tree: RootTree, path: string): string[] {
  const folder = tree.find(path)
  if (folder?.kind !== 'folder') return []
  return sortedEntries(folder).flatMap(([name]) => (plainName.test(name) ? [name] : []))
}

/** As Debian, Fedora, SUSE and Alpine name it. */
async function findInitrd(tree: RootTree, kernelPath: string, release: string): Promise<string | undefined> {
  const flavour = kernelPath.startsWith('/boot/') ? kernelPath.replace(/^.*?(?:-|$)/, '') : ''
  const names = [
    ...[`initrd.img-${release}`, `initramfs-${release}.img`, `initrd-${release}`, `initramfs-${release}`],
    ...(flavour === '' ? ['initrd.img', 'initrd'] : [`initramfs-${flavour}`]),
  ]
  const paths = names.map((name) => `/boot/${name}`)
  if (kernelPath === '/vmlinuz') paths.push('/initrd.img')
  for (const path of paths) {
    const file = tree.find(path)
    if (file?.kind === 'file' && (await isInitrd(file))) return path
  }
  return undefined
}

/** Whether ext4 and a disk that virtual machines have are in the kernel itself. */
async function startsAlone(tree: RootTree, release: string): Promise<boolean> {
  const list = tree.find(`/lib/modules/${release}/modules.builtin`)
  if (list?.kind !== 'file') return false
  const text = await readText(list)
  return /\/ext4\.ko/.test(text) && /\/(?:virtio_blk|nvme|ata_piix|ahci)\.ko/.test(text)
}

/**
 * The names that a package of the distribution moves to a newer kernel, where there are such; so a machine that takes
 * updates starts what they brought.
 */
function bootPaths(tree: RootTree, kernel: Kernel): { kernelPath: string; initrdPath: string | undefined } {
  const initrd = kernel.initrdPath === undefined ? undefined : tree.find(kernel.initrdPath)
  if (initrd && tree.find('/vmlinuz') === kernel.file && tree.find('/initrd.img') === initrd)
    return { kernelPath: '/vmlinuz', initrdPath: '/initrd.img' }
  return { kernelPath: kernel.path, initrdPath: kernel.initrdPath }
}

/** By runs of digits as numbers; all else by its bytes. */
function compareReleases(left: string, right: string): number {
  const [leftParts, rightParts] = [partsOf(left), partsOf(right)]
  for (const [index, part] of leftParts.entries()) {
    const other = rightParts[index]
    if (other === undefined) return 1
    if (part === other) continue
    const difference = Number(part) - Number(other)
    return Number.isNaN(difference) || difference === 0 ? (part < other ? -1 : 1) : difference
  }
  return leftParts.length - rightParts.length
}

function partsOf(release: string): readonly string[] {
  return release.match(/\d+|\D+/g) ?? []
}
