import { KnownSecrets, systemClock, type Clock } from '../../core/index.ts'
import { atOnce } from './at-once.ts'
import { applyHost, type ApplyOptions } from './apply-host.ts'
import type { ConvergeTarget, HostPlan, HostResult } from './host-plan.ts'
import { planHost } from './plan-host.ts'

const defaultLimit = 16

/** Looks at all hosts, at most `limit` (default 16) at once. What one of them does holds up no other. FLEET_RESOURCE_INVALID, CANCELLED. */
export function planHosts(
  targets: readonly ConvergeTarget[],
  options: { signal: AbortSignal; limit?: number; timeoutMs?: number },
): Promise<HostPlan[]> {
  const { signal, timeoutMs = 60_000 } = options
  return eachOf(targets, options.limit, (target) => planHost(target, { signal, timeoutMs }))
}

export interface ApplyHostsOptions extends Omit<ApplyOptions, 'owner' | 'clock' | 'mask' | 'log'> {
  /** Default: `Larder, run` and the id of the run. */
  owner?: string
  clock?: Clock
  /** Default: what looks like a secret by its place is masked. */
  secrets?: KnownSecrets
  /** At once. Default 16. */
  limit?: number
  /** A line for people, as things happen. */
  log: (line: string, machine: string) => void
  /** A machine is done. */
  onResult?: (result: HostResult) => void
}

/**
 * Makes all hosts as declared, at most `limit` (default 16) at once, and answers each in the order of the targets: `ok`,
 * `changed`, `failed`, `skipped` and `unknown` by resource, or `unreachable`. FLEET_RESOURCE_INVALID, CANCELLED.
 */
export function applyHosts(targets: readonly ConvergeTarget[], options: ApplyHostsOptions): Promise<HostResult[]> {
  const { limit, log, onResult, secrets = new KnownSecrets(), clock = systemClock, ...rest } = options
  const owner = options.owner ?? `Larder, run ${options.runId}`
  return eachOf(targets, limit, async (target) => {
    const result = await applyHost(target, {
      ...rest,
      owner,
      clock,
      mask: (text) => secrets.mask(text),
      log: (line) => log(line, target.machine),
    })
    onResult?.(result)
    return result
  })
}

/** After an error nothing more begins; it is thrown when all that had begun has ended. */
async function eachOf<T, R>(all: readonly T[], limit = defaultLimit, work: (one: T) => Promise<R>): Promise<R[]> {
  const inTurn = atOnce(limit)
  let failure: { error: unknown } | undefined
  const begun = all.map((one) =>
    inTurn(async () => {
      if (failure !== undefined) throw failure.error
      return work(one).catch((error: unknown) => {
        failure ??= { error }
        throw error
      })
    }),
  )
  await Promise.allSettled(begun)
  if (failure !== undefined) throw failure.error
  return Promise.all(begun)
}
