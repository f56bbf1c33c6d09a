import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes } from 'node:fs/promises'
import { basename, join } from 'node:path'
import {
  digestOf,
  hexOf,
  LarderError,
  Mutex,
  namesIn,
  systemClock,
  type Clock,
  type Digest,
  type Progress,
} from '../../../core/index.ts'
import { isThere } from '../../is-there.ts'
import { keepFile } from '../../keep-file.ts'
import type { MirrorSource } from '../../resource/resource-type.ts'
import { aptPackages, makeAptRoot, resolveAptRoot } from './apt-root.ts'
import { baseMemory, currentBases } from './base-memory.ts'
import { bootPackages } from './boot-packages.ts'
import { makeRpmRoot, resolveRpmRoot, rpmPackages } from './rpm-root.ts'

export interface BaseRootOptions {
  /** The mirror, as this host reaches it. */
  source: Pick<MirrorSource, 'format' | 'name' | 'source' | 'keys' | 'snapshot'>
  /** Beside those that every machine needs. */
  packages: readonly string[]
  /** With a kernel, for machines that start by themselves. Default: no. */
  boots?: boolean
  /** Where bases are kept: `machines/bases` of the data folder. */
  folder: string
  /** Nothing in it is newer, as in SOURCE_DATE_EPOCH: the time of what the mirror publishes. */
  createdAt: Date
  /** Default: that of this host. */
  clock?: Clock
  progress: Progress
  signal: AbortSignal
}

/** What the makers of both formats are handed. */
export interface RootRoom extends Pick<BaseRootOptions, 'source' | 'createdAt' | 'progress' | 'signal'> {
  packages: readonly string[]
  /** Empty, and of this one alone. */
  workFolder: string
}

/** Counts up when what is made of the same input becomes another. */
const form = 2
const oneBase = new Mutex()

/**
 * What machines begin with: a root (tar) with systemd, sshd and what is asked for, made from a mirror of the site alone. It is
 * kept as `<digest of the packages that it consists of>.tar`, and made only once, whatever else the mirror publishes. The mirror
 * is not left behind in it: what a machine uses is declared. FLEET_BASE_INCOMPLETE names what the mirror lacks, before
 * anything is unpacked; FLEET_BASE_FAILED, TOOL_MISSING, DISK_FULL, CANCELLED.
 */
export async function makeBaseRoot(options: BaseRootOptions): Promise<{ path: string; digest: string }> {
  const { source, folder, clock = systemClock } = options
  const packages = packagesOf(options)
  const memory = baseMemory(folder, { source, packages })
  const pathOf = (digest: Digest): string => join(folder, `${hexOf(digest)}.tar`)
  // They would take the disk and the processor from each other.
  const digest = await oneBase.run(async () => {
    const known = await memory.get()
    if (known !== undefined && (await touch(pathOf(known), clock))) return known
    return inWorkFolder(folder, async (workFolder) => {
      const room = { ...options, packages, workFolder }
      const { format, name } = source
      const [resolve, make] = format === 'apt' ? [resolveAptRoot, makeAptRoot] : [resolveRpmRoot, makeRpmRoot]
      const found = digestOf(JSON.stringify({ form, format, name, packages, resolved: await resolve(room) }))
      if (!(await touch(pathOf(found), clock))) await keepFile(await make(room), pathOf(found))
      await memory.set(found)
      return found
    })
  })
  return { path: pathOf(digest), digest }
}

/** Whoever was told of a base just now may be about to use it. */
const unusedMs = 24 * 3600_000

/** Removes bases in place of which a newer one is made now, a day after they were used last. Answers how many. */
export async function forgetBases(folder: string, now: Date): Promise<number> {
  return oneBase.run(async () => {
    const current = await currentBases(folder)
    let removed = 0
    for (const name of await namesIn(folder)) {
      const path = join(folder, name)
      if (!/^[0-9a-f]{64}\.tar$/.test(name) || current.has(`sha256:${basename(name, '.tar')}`)) continue
      if (now.getTime() - (await stat(path)).mtimeMs < unusedMs) continue
      await rm(path)
      removed++
    }
    return removed
  })
}

/** Whether it is there; then it counts as used now. */
async function touch(path: string, clock: Clock): Promise<boolean> {
  if (!(await isThere(path))) return false
  const now = clock.now()
  await utimes(path, now, now)
  return true
}

async function inWorkFolder<T>(folder: string, work: (workFolder: string) => Promise<T>): Promise<T> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await removeLeftovers(folder)
  const workFolder = await mkdtemp(join(folder, 'work-'))
  try {
    return await work(workFolder)
  } finally {
    await removeWhole(workFolder)
  }
}

function packagesOf({ source: { format }, packages, boots = false }: BaseRootOptions): string[] {
  const needed = [...(format === 'apt' ? aptPackages : rpmPackages), ...(boots ? bootPackages(format, packages) : [])]
  const wrong = packages.find((name) => !/^[A-Za-z0-9][A-Za-z0-9+._:~-]*(=[A-Za-z0-9.+:~-]+)?$/.test(name))
  if (wrong === undefined) return [...new Set([...needed, ...packages])].sort()
  throw new LarderError('FLEET_RESOURCE_INVALID', {
    message: `base_packages: ${JSON.stringify(wrong.slice(0, 80))} is no name of a package.`,
    hint: 'A name such as curl, or curl=7.88.1 for a version.',
  })
}

/** Of a Larder that was killed; what it had started ended with it. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (name.startsWith('work-')) await removeWhole(join(folder, name))
}

/** Never what is only mounted there: this host's /dev is mounted into a root that is being made. */
async function removeWhole(folder: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' ')[4] ?? '')
  const mounted = mounts.find((path) => path.startsWith(`${folder}/`))
  if (mounted === undefined) return rm(folder, { recursive: true, force: true })
  throw new LarderError('FLEET_BASE_FAILED', {
    message: `${mounted} is still mounted, so that ${folder} cannot be removed.`,
    hint: `umount ${mounted}`,
  })
}
