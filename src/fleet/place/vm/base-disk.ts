import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf, hexOf, Mutex, namesIn, type Clock, type Progress } from '../../../core/index.ts'
import { isThere } from '../../is-there.ts'
import { keepFile } from '../../keep-file.ts'
import { rootArchive } from '../root-archive.ts'
import { baseFiles } from './base-files.ts'

/** What becomes the first disk of machines. */
export interface DiskRequest {
  /** Roots (tar), one over the other. */
  archives: readonly string[]
  /** qcow2, whole when it is there. */
  outputFile: string
  kernelArguments: readonly string[]
  progress: Progress
  signal: AbortSignal
}

/** Makes a disk that a machine with a BIOS starts from. */
export type MakeDisk = (request: DiskRequest) => Promise<void>

/** Counts up when what is made of the same input becomes another. */
const form = 1
/** Cards are eth0, eth1 … in the order in which the machine has them. Source: systemd.net-naming-scheme(7). */
const kernelArguments = ['net.ifnames=0']
const oneDisk = new Mutex()

/** The name of the disk that is made of a base: it says what is in it. */
export function baseDiskName({ digest }: { digest: string }): string {
  return `${hexOf(digestOf(JSON.stringify([form, digest, baseFiles(), kernelArguments])))}.qcow2`
}

/** Where base disks are, as machines name them beside their own. */
export function baseDiskPath(root: string, name: string): string {
  return join(disksOf(root), name)
}

/** Makes the disk of a base, unless it is there; never changed afterwards. What `makeDisk` throws. */
export async function ensureBaseDisk(
  root: string,
  base: { path: string; digest: string },
  { makeDisk, progress, signal }: { makeDisk: MakeDisk; progress: Progress; signal: AbortSignal },
): Promise<void> {
  const path = baseDiskPath(root, baseDiskName(base))
  // Machines come up together, and all ask for the same one.
  await oneDisk.run(async () => {
    if (await isThere(path)) return
    await mkdir(disksOf(root), { recursive: true, mode: 0o700 })
    await removeLeftovers(root)
    const workFolder = await mkdtemp(join(disksOf(root), 'work-'))
    try {
      const laidOver = join(workFolder, 'machine.tar')
      await writeFile(laidOver, await rootArchive(baseFiles()))
      progress.log('a disk that machines start from is made of their base')
      const outputFile = join(workFolder, 'disk.qcow2')
      await makeDisk({ archives: [base.path, laidOver], outputFile, kernelArguments, progress, signal })
      await keepFile(outputFile, path)
    } finally {
      await rm(workFolder, { recursive: true, force: true })
    }
  })
}

const keptMs = 24 * 3_600_000

/** Disks that no machine is laid over go, a day after they were made: the next machine may be about to use them. */
export async function forgetBaseDisks(root: string, used: ReadonlySet<string>, clock: Clock): Promise<void> {
  for (const name of await namesIn(disksOf(root))) {
    if (!name.endsWith('.qcow2') || used.has(name)) continue
    const found = await stat(baseDiskPath(root, name)).catch(unlessMissing)
    if (found !== undefined && clock.now().getTime() - found.mtimeMs > keptMs) await rm(baseDiskPath(root, name))
  }
}

function disksOf(root: string): string {
  return join(root, 'disks')
}

/** Of a Larder that was killed. */
async function removeLeftovers(root: string): Promise<void> {
  for (const name of await readdir(disksOf(root))) {
    if (name.startsWith('work-')) await rm(join(disksOf(root), name), { recursive: true, force: true })
  }
}

function unlessMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
