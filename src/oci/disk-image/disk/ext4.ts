import { createWriteStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { failed, runProgram } from '../program.ts'
import { byteString } from '../source/root-path.ts'
import type { RootTree } from '../source/root-tree.ts'
import { tooSmall, type DiskPlan } from './disk-plan.ts'
import { ext4Script } from './ext4-script.ts'

export interface Ext4Options {
  /** The whole disk: a file of the size of the plan, zeros where the root is to be. */
  diskPath: string
  plan: DiskPlan
  tree: RootTree
  label: string
  uuid: string
  hashSeed: string
  createdAt: Date
  /** Empty, and the caller's to remove. */
  workFolder: string
  signal: AbortSignal
}

/**
 * Makes the root's file system in its place in the file of the disk: no loop device, no mount, no root's rights. The
 * same tree gives the same bytes. Judged by e2fsck at the end. TOOL_MISSING, DISK_IMAGE_TOO_SMALL, DISK_IMAGE_FAILED,
 * DISK_FULL, CANCELLED.
 */
export async function makeExt4(options: Ext4Options): Promise<void> {
  const { diskPath, plan, createdAt, signal } = options
  const common = {
    signal,
    package: 'e2fsprogs',
    failure: 'the file system cannot be made',
    environment: { E2FSPROGS_FAKE_TIME: String(Math.max(1, Math.floor(createdAt.getTime() / 1000))) },
  }
  const volume = `${diskPath}?offset=${plan.root.startBytes}`
  await runProgram('mke2fs', mke2fsArguments(options), common)
  const scriptPath = await writeScript(options)
  const said = await runProgram('debugfs', ['-w', '-f', scriptPath, volume], common)
  const complaints = said.split('\n').filter((line) => line.trim() !== '' && !/^debugfs \d/.test(line))
  if (complaints.some((line) => /Could not allocate (block|inode)|No space left in/i.test(line)))
    throw tooSmall(plan.diskBytes)
  if (complaints.length > 0) throw failed('debugfs', complaints.slice(0, 5).join('\n'), common)
  await runProgram('e2fsck', ['-f', '-n', volume], common)
}

const blockBytes = 4096

/** Written out, because what is left out comes from the host's /etc/mke2fs.conf, and boot loaders know no later ones. */
const features = [
  'none',
  'has_journal',
  'ext_attr',
  'resize_inode',
  'dir_index',
  'filetype',
  'extent',
  '64bit',
  'flex_bg',
  'sparse_super',
  'large_file',
  'huge_file',
  'dir_nlink',
  'extra_isize',
  'metadata_csum',
]

function mke2fsArguments({ diskPath, plan, label, uuid, hashSeed }: Ext4Options): string[] {
  const extended = [
    `offset=${plan.root.startBytes}`,
    `hash_seed=${hashSeed}`,
    'root_owner=0:0',
    'lazy_itable_init=0',
    'lazy_journal_init=0',
    'nodiscard',
  ]
  return [
    ...['-q', '-F', '-t', 'ext4', '-b', String(blockBytes), '-I', '256', '-N', String(plan.inodes), '-m', '1'],
    ...[
      '-J',
      `size=${plan.journalBytes / 1024 / 1024}`,
      '-L',
      label,
      '-U',
      uuid,
      '-O',
      features.join(','),
      '-E',
      extended.join(','),
    ],
    ...['--', diskPath, String(Math.floor(plan.root.sizeBytes / blockBytes))],
  ]
}

async function writeScript({ workFolder, tree }: Ext4Options): Promise<string> {
  const emptyFile = join(workFolder, 'empty')
  await writeFile(emptyFile, '')
  const kept: Buffer[] = []
  const keptPath = (index: number): string => join(workFolder, `attribute-${index}`)
  const script = ext4Script(tree, {
    emptyFile: byteString(emptyFile),
    keep: (value) => byteString(keptPath(kept.push(value) - 1)),
  })
  const path = join(workFolder, 'script')
  await pipeline(Readable.from(inBlocks(script)), createWriteStream(path))
  for (const [index, value] of kept.entries()) await writeFile(keptPath(index), value)
  return path
}

function* inBlocks(lines: Iterable<string>): Generator<Buffer> {
  let block: string[] = []
  for (const line of lines) {
    if (block.push(line) < 1000) continue
    yield Buffer.from(`${block.join('\n')}\n`, 'latin1')
    block = []
  }
  if (block.length > 0) yield Buffer.from(`${block.join('\n')}\n`, 'latin1')
}
