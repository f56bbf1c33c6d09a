import { isLarderError, LarderError } from '../../core/index.ts'
import { hostFailures } from '../converge/plan-host.ts'
import type { Host } from '../host/host.ts'
import type { Script } from '../shell/script.ts'
import { clockScript, healthScript } from './health-script.ts'

/** How a host says that it is. What it does not say is left out. */
export interface HostHealth {
  /** What its clock is off ours at least, in ms; positive: it is ahead. 0: it may be right, as far as its answer's way lets us know. */
  clockOffsetMs: number
  /** Of local file systems that can be written to. */
  fileSystems: readonly FileSystem[]
  /** Units of systemd that have failed. */
  failedUnits: readonly string[]
  /** Of a PostgreSQL that follows another. */
  replica: { isStreaming: boolean; lagMs: number } | undefined
  /** Replicas that this PostgreSQL keeps its journal for, and that do not fetch it. */
  idleSlots: readonly { name: string; keptBytes: number }[]
  /** Its PostgreSQL takes a connection and says nothing. */
  isDatabaseSilent: boolean
}

export interface FileSystem {
  path: string
  freeBytes: number
  totalBytes: number
  /** Undefined where it has no fixed number of them. */
  inodes: { free: number; total: number } | undefined
}

/** Where its answer has taken longer it is asked again what time it is: then the connection is open. */
const vagueMs = 1000

/** One script, one round trip; two where its answer was long on its way. FLEET_HOST_UNREACHABLE and its like. */
export async function examineHost(
  host: Host,
  { now, signal, timeoutMs = 30_000 }: { now: () => Date; signal: AbortSignal; timeoutMs?: number },
): Promise<HostHealth> {
  // Its clock is what it says first, so that the rest of the script does not count.
  const ask = async (script: Script): Promise<{ stdout: string; heard: Heard }> => {
    const askedAt = now()
    let arrivedAt: Date | undefined
    const onOutput = (): void => {
      arrivedAt ??= now()
    }
    const { stdout } = await host.run(script, { timeoutMs, signal, onOutput })
    return { stdout: stdout.toString('utf8'), heard: { askedAt, arrivedAt: arrivedAt ?? now() } }
  }
  const { stdout, heard } = await ask(healthScript)
  const health = readHealth(stdout, heard)
  if (health === undefined) throw saidNothing(host.name)
  if (wayMs(heard) <= vagueMs) return health
  const again = await ask(clockScript).catch((error: unknown) => {
    if (isLarderError(error, ...hostFailures)) return undefined
    throw error
  })
  if (again === undefined || wayMs(again.heard) >= wayMs(heard)) return health
  return { ...health, clockOffsetMs: readHealth(again.stdout, again.heard)?.clockOffsetMs ?? health.clockOffsetMs }
}

/** Its clock was read between the two, by ours. */
export interface Heard {
  askedAt: Date
  arrivedAt: Date
}

function wayMs({ askedAt, arrivedAt }: Heard): number {
  return arrivedAt.getTime() - askedAt.getTime()
}

function saidNothing(host: string): LarderError {
  return new LarderError('FLEET_HOST_UNREACHABLE', {
    message: `${host} did not say how it is.`,
    hint: 'Is /bin/sh a POSIX shell there?',
    context: { host },
  })
}

/** Pure. Undefined when it did not even say what time it is. */
export function readHealth(output: string, heard: Heard): HostHealth | undefined {
  const rows = output.split('\n').map((line) => line.split('\t'))
  const of = (kind: string): string[][] => rows.filter(([first]) => first === kind).map(([, ...rest]) => rest)
  const seconds = numberOf(of('clock')[0]?.[0])
  if (seconds === undefined) return undefined
  const [replica] = of('replica')
  return {
    clockOffsetMs: leastOffsetMs(seconds * 1000, heard),
    fileSystems: fileSystemsOf(of('bytes'), of('inodes')),
    failedUnits: of('failed').flatMap(([unit]) => (unit === undefined || unit === '' ? [] : [unit])),
    replica: replica && { isStreaming: replica[0] === 'streaming', lagMs: 1000 * (numberOf(replica[1]) ?? 0) },
    idleSlots: of('slot').flatMap(([name = '', kept]) => {
      const keptBytes = numberOf(kept)
      return keptBytes === undefined ? [] : [{ name, keptBytes }]
    }),
    isDatabaseSilent: of('silent').length > 0,
  }
}

function leastOffsetMs(saidMs: number, { askedAt, arrivedAt }: Heard): number {
  const [least, most] = [saidMs - arrivedAt.getTime(), saidMs - askedAt.getTime()]
  if (least > 0) return Math.round(least)
  return most < 0 ? Math.round(most) : 0
}

/** Images are full by nature, and what the kernel makes holds no files of anybody. */
const notFilled = new Set(['squashfs', 'iso9660', 'erofs', 'devtmpfs', 'efivarfs', 'ramfs', 'autofs'])

/** The same one mounted several times counts once, by its shortest path. */
function fileSystemsOf(bytes: readonly string[][], inodes: readonly string[][]): FileSystem[] {
  const once = new Map<string, FileSystem>()
  const byLength = bytes.toSorted((a, b) => (a.at(-1) ?? '').length - (b.at(-1) ?? '').length)
  for (const [device = '', type = '', blocks, free, path = ''] of byLength) {
    const [totalKiB, freeKiB] = [numberOf(blocks), numberOf(free)]
    const files = inodesOf(path, inodes)
    const key = `${device} ${totalKiB} ${freeKiB} ${files?.free}`
    if (notFilled.has(type) || !path.startsWith('/') || once.has(key)) continue
    if (totalKiB === undefined || freeKiB === undefined || totalKiB <= 0) continue
    once.set(key, { path, freeBytes: freeKiB * 1024, totalBytes: totalKiB * 1024, inodes: files })
  }
  return [...once.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

function inodesOf(path: string, inodes: readonly string[][]): FileSystem['inodes'] {
  const [all, left] = inodes.find(([, , other]) => other === path) ?? []
  const [total, free] = [numberOf(all), numberOf(left)]
  return total === undefined || free === undefined || total === 0 ? undefined : { free, total }
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^-?[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : undefined
}
