import { LarderError } from '../../../core/index.ts'
import type { MachineSpec } from '../place.ts'
import type { ContainerEngine } from './engine.ts'

export interface ContainerReport {
  status: string
  /** How often it was started again because it had ended by itself, since somebody started it. */
  restarts: number
  /** What Larder wrote on it; undefined on those of others. */
  site: string | undefined
  machine: string | undefined
  identity: string | undefined
  /** Address by name of network; '' where it has none while it is stopped. */
  addresses: ReadonlyMap<string, string>
  /** Id by name of network, where the engine tells it. */
  networkIds: ReadonlyMap<string, string>
}

type Named = Pick<MachineSpec, 'name' | 'site'>

export function containerName({ site, name }: Named): string {
  return `larder-${site}-${name}`
}

/** What Larder writes on a container: whose it is, and what would make another one necessary. */
export function containerLabels({ site, name, identity }: Pick<MachineSpec, 'name' | 'site' | 'identity'>): string[] {
  const labels = { 'larder.site': site, 'larder.machine': name, 'larder.identity': identity }
  return Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`])
}

/** Two sites may come to the same name, `a` with `b-c` and `a-b` with `c`: what is written on it decides. */
export function isOurs(report: ContainerReport, { site, name }: Named): boolean {
  return report.site === site && report.machine === name
}

/** What the engine says of a machine's container; undefined: there is none. */
export async function inspectContainer(
  engine: ContainerEngine,
  machine: Named,
  signal: AbortSignal,
): Promise<ContainerReport | undefined> {
  const name = containerName(machine)
  const { code, stdout, stderr } = await engine.ask(['container', 'inspect', name], { signal })
  if (code === 0) return readReport(stdout)
  if (/no such (container|object)/i.test(stderr)) return undefined
  throw new LarderError('FLEET_MACHINE_FAILED', {
    message: `${engine.name} does not say whether there is a container ${name}: ${stderr.trim().slice(-300)}`,
    hint: `${engine.name} container inspect ${name}`,
    context: { machine: machine.name },
  })
}

interface EngineReport {
  RestartCount?: number
  State: { Status: string }
  Config: { Labels?: Record<string, string> | null }
  NetworkSettings: { Networks?: Record<string, EngineAddress> | null }
}
interface EngineAddress {
  IPAddress?: string
  IPAMConfig?: { IPv4Address?: string } | null
  /** Podman says its name. */
  NetworkID?: string
}

/** Of `container inspect`. */
export function readReport(text: string): ContainerReport {
  const [report] = JSON.parse(text) as [EngineReport]
  const labels = report.Config.Labels ?? {}
  const networks = Object.entries(report.NetworkSettings.Networks ?? {})
  return {
    status: report.State.Status,
    restarts: report.RestartCount ?? 0,
    site: labels['larder.site'],
    machine: labels['larder.machine'],
    identity: labels['larder.identity'],
    // What it is to have counts, where that is said: what it has is gone while it is stopped.
    addresses: new Map(
      networks.map(([name, at]) => [name, [at.IPAMConfig?.IPv4Address, at.IPAddress].find((text) => text) ?? '']),
    ),
    networkIds: new Map(networks.flatMap(([name, { NetworkID: id }]) => (id ? [[name, id] as const] : []))),
  }
}
