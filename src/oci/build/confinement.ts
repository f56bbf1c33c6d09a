import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LarderError } from '../../core/index.ts'
import { exists, groupRoot, isRefusal, mostProcesses, openGroup, removeGroup, writeSetting } from './control-group.ts'

export interface ConfinementLimits {
  memoryBytes?: number | undefined
  /** Processors, in whole or in part. */
  cpus?: number | undefined
}

/** What bounds an engine and all that it starts. */
export interface Confinement {
  /** Goes before the program and its arguments. */
  readonly prefix: readonly string[]
  /** Which limits hold here: what cannot be bounded on this host is missing. */
  readonly holds: readonly ('memory' | 'cpus' | 'processes')[]
  /** BUILD_LIMIT, when it is a limit that ended something. */
  exceeded(): Promise<LarderError | undefined>
  /** Once everything in it has ended. */
  release(): Promise<void>
}

const periodUs = 100_000

/**
 * Makes control groups for one engine: by systemd where that runs, else directly, in version 1 or 2 of their interface.
 * Where neither may be done, nothing is bounded, and `holds` says so. Source: cgroups(7), systemd-run(1).
 */
export async function openConfinement(limits: ConfinementLimits): Promise<Confinement> {
  const name = `larder-build-${process.pid}-${randomBytes(6).toString('hex')}`
  if (await exists('/run/systemd/system')) return systemdScope(name, limits)
  return openGroups(name, limits)
}

export function systemdScope(name: string, { memoryBytes, cpus }: ConfinementLimits): Confinement {
  const properties = [
    `TasksMax=${mostProcesses}`,
    ...(memoryBytes === undefined ? [] : [`MemoryMax=${memoryBytes}`, 'MemorySwapMax=0']),
    ...(cpus === undefined ? [] : [`CPUQuota=${Math.ceil(cpus * 100)}%`]),
  ]
  return {
    prefix: [
      ...['systemd-run', '--scope', '--quiet', '--collect', `--unit=${name}`],
      ...properties.map((property) => `--property=${property}`),
      '--',
    ],
    holds: ['memory', 'cpus', 'processes'],
    // The scope is gone with its last process, and with it what it had counted.
    exceeded: () => Promise.resolve(undefined),
    release: () => Promise.resolve(),
  }
}

interface Group {
  folder: string
  kind: 'memory' | 'cpus' | 'processes'
}

async function openGroups(name: string, limits: ConfinementLimits): Promise<Confinement> {
  const isUnified = await exists(join(groupRoot, 'cgroup.controllers'))
  const groups = isUnified ? await unifiedGroups(name, limits) : await separateGroups(name, limits)
  const folders = [...new Set(groups.map(({ folder }) => folder))]
  return {
    prefix: folders.length === 0 ? [] : ['/bin/sh', '-c', enterGroups, 'sh', String(folders.length), ...folders],
    holds: groups.map(({ kind }) => kind),
    exceeded: () => exceededOf(groups, limits),
    async release() {
      for (const folder of folders) await removeGroup(folder)
    },
  }
}

/** The shell's own text is fixed; folders and the command are its arguments. */
const enterGroups =
  'n=$1; shift; while [ "$n" -gt 0 ]; do echo $$ >"$1/cgroup.procs" || exit 125; shift; n=$((n-1)); done; exec "$@"'

async function separateGroups(name: string, { memoryBytes, cpus }: ConfinementLimits): Promise<Group[]> {
  const own = new Map(
    (await readFile('/proc/self/cgroup', 'utf8')).split('\n').flatMap((line) => {
      const [, controllers = '', path = ''] = /^\d+:([^:]+):(.*)$/.exec(line) ?? []
      return controllers.split(',').map((controller): [string, string] => [controller, path])
    }),
  )
  const open = (controller: string, settings: Readonly<Record<string, string>>) =>
    openGroup(join(groupRoot, controller, own.get(controller) ?? '', name), settings)
  const processes = await open('pids', { 'pids.max': String(mostProcesses) })
  const memory =
    memoryBytes !== undefined && (await open('memory', { 'memory.limit_in_bytes': String(Math.floor(memoryBytes)) }))
  const quota = { 'cpu.cfs_period_us': String(periodUs), 'cpu.cfs_quota_us': String(Math.ceil((cpus ?? 0) * periodUs)) }
  const share = cpus !== undefined && (await open('cpu', quota))
  if (typeof memory === 'string') {
    // Not every kernel counts swap; without it, swapping is not bounded.
    await writeSetting(join(memory, 'memory.memsw.limit_in_bytes'), String(Math.floor(memoryBytes ?? 0)))
  }
  return [
    ...groupOf(processes || undefined, 'processes'),
    ...groupOf(memory || undefined, 'memory'),
    ...groupOf(share || undefined, 'cpus'),
  ]
}

/** Beside our own group, since one that has processes cannot have groups with limits. */
async function unifiedGroups(name: string, { memoryBytes, cpus }: ConfinementLimits): Promise<Group[]> {
  const [, path = '/'] = /^0::(.*)$/m.exec(await readFile('/proc/self/cgroup', 'utf8')) ?? []
  const parent = join(groupRoot, path, path === '/' ? '.' : '..')
  for (const controller of ['pids', 'memory', 'cpu']) {
    await writeSetting(join(parent, 'cgroup.subtree_control'), `+${controller}`)
  }
  const folder = await openGroup(join(parent, name), { 'pids.max': String(mostProcesses) })
  if (folder === undefined) return []
  const set = async (isWanted: boolean, file: string, value: string) =>
    isWanted && (await writeSetting(join(folder, file), value)) ? folder : undefined
  const memory = await set(memoryBytes !== undefined, 'memory.max', String(Math.floor(memoryBytes ?? 0)))
  if (memory !== undefined) await writeSetting(join(folder, 'memory.swap.max'), '0')
  const share = await set(cpus !== undefined, 'cpu.max', `${Math.ceil((cpus ?? 0) * periodUs)} ${periodUs}`)
  return [...groupOf(folder, 'processes'), ...groupOf(memory, 'memory'), ...groupOf(share, 'cpus')]
}

function groupOf(folder: string | undefined, kind: Group['kind']): Group[] {
  return folder === undefined ? [] : [{ folder, kind }]
}

async function exceededOf(groups: readonly Group[], limits: ConfinementLimits): Promise<LarderError | undefined> {
  for (const { folder, kind } of groups) {
    if (kind === 'memory' && (await countOf(folder, ['memory.events', 'memory.oom_control'], 'oom_kill')) > 0) {
      const allowed = Math.round((limits.memoryBytes ?? 0) / 1e6)
      return limit(`needs more memory than the ${allowed} MB that it may use`, 'limits.memory_mb')
    }
    if (kind === 'processes' && (await countOf(folder, ['pids.events'], 'max')) > 0) {
      return limit(`has started more than ${mostProcesses} processes`, undefined)
    }
  }
  return undefined
}

async function countOf(folder: string, files: readonly string[], key: string): Promise<number> {
  for (const file of files) {
    try {
      const text = await readFile(join(folder, file), 'utf8')
      return Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
    } catch (error) {
      if (!isRefusal(error)) throw error
    }
  }
  return 0
}

function limit(why: string, setting: string | undefined): LarderError {
  return new LarderError('BUILD_LIMIT', {
    message: `The build ${why}.`,
    hint: setting === undefined ? 'Look for what starts them.' : `Allow more by ${setting} in images.json.`,
  })
}
