import { LarderError, plainText } from '../../core/index.ts'
import type { Host } from '../host/host.ts'
import { sh, type Script } from '../shell/script.ts'
import {
  folderOf,
  keepScript,
  logScript,
  lookScript,
  removeScript,
  restoreScript,
  retireScript,
  type Keeping,
  type Removal,
} from './release-scripts.ts'
import type { FormerUnit, FoundUnit, ServiceUnit, WantedUnit } from './service-unit.ts'

/**
 * What of a service is on a machine beside what is declared: whether it runs, and the release that ran before while another takes
 * its place. All throw what `Host` throws, and FLEET_APPLY_FAILED.
 */
export interface KeptRelease {
  /** `isActive`: it runs, by the unit that is wanted or by a former one. */
  look(host: Host, wanted: WantedUnit): Promise<FoundUnit>
  /** Before anything is changed. Where it is good, what runs now is what is put back, unless a release is kept already: then what runs now was never found good. */
  keep(host: Host, wanted: ServiceUnit & { isContainer: boolean }, keeping: Keeping): Promise<void>
  /** Former units end, and nothing of them begins again; the text of a unit that the machine has of others stays. */
  retire(host: Host, service: string, formers: readonly FormerUnit[]): Promise<void>
  /** Puts back what was kept, starts it, and forgets it. */
  restore(host: Host, service: ServiceUnit): Promise<void>
  /** What runs now is good: what was kept is forgotten. */
  settle(host: Host, service: ServiceUnit): Promise<void>
  restart(host: Host, service: ServiceUnit): Promise<void>
  /** It is not there any more, and nothing of it but its image. */
  remove(host: Host, service: Removal): Promise<void>
  /** The last that it has said, at most 20 lines. */
  lastLines(host: Host, service: ServiceUnit): Promise<string>
}

/** Of systemd.service(5): 90 s to stop and 90 s to start, where a unit says nothing else. */
const changeMs = 240_000
const lookMs = 30_000

/**
 * Releases are kept on the machines themselves: there they outlive the controller, and secrets in them go nowhere. `readyMs`: what
 * a release may take to be ready, which its unit may take to start.
 */
export function createKeptRelease(signal: AbortSignal, readyMs = 60_000): KeptRelease {
  const timeoutMs = changeMs + readyMs
  return {
    async look(host, wanted) {
      const { stdout } = await run(host, lookScript(wanted), { timeoutMs: lookMs, signal })
      const said = stdout.toString('latin1').split('\n')
      const formers = said.flatMap((line): FormerUnit[] => {
        const [, kind, unit] = /^former (container|unit) (\S+)$/.exec(line) ?? []
        return unit === undefined ? [] : [{ unit, isContainer: kind === 'container' }]
      })
      return { isActive: said.includes('active'), isBegun: said.includes('begun'), formers }
    },
    async keep(host, wanted, keeping) {
      if (!wanted.isContainer && !keeping.isGood) return
      await run(host, keepScript(wanted, keeping), { timeoutMs, signal })
    },
    async retire(host, service, formers) {
      await run(host, retireScript(service, formers), { timeoutMs })
    },
    async restore(host, service) {
      await run(host, restoreScript(service), { timeoutMs })
    },
    async settle(host, { service }) {
      await run(host, sh`rm -rf -- ${folderOf(service)}`, { timeoutMs })
    },
    async restart(host, { unit }) {
      await run(host, sh`systemctl reset-failed -- ${unit} 2>/dev/null || :; systemctl restart -- ${unit}`, {
        timeoutMs,
      })
    },
    async remove(host, service) {
      await run(host, removeScript(service), { timeoutMs, signal })
    },
    async lastLines(host, service) {
      const { stdout } = await run(host, logScript(service), { timeoutMs: lookMs })
      return plainText(stdout.toString('utf8').trimEnd()).slice(-4000)
    },
  }
}

async function run(host: Host, script: Script, options: { timeoutMs: number; signal?: AbortSignal }) {
  const answer = await host.run(script, options)
  if (answer.code === 0) return answer
  throw new LarderError('FLEET_APPLY_FAILED', {
    message: `${host.name}: ${plainText(answer.stderr.trim().split('\n').at(-1) ?? '').slice(0, 500)}`,
    context: { machine: host.name },
  })
}
