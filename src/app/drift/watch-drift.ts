import { randomInt } from 'node:crypto'
import type { Announcements } from '../announcements.ts'
import type { ControllerContext } from '../controller/context.ts'
import { driftRound, type DriftRoundOptions } from './drift-round.ts'
import { DriftWatch } from './drift-watch.ts'
import { machineEvents } from './machine-events.ts'
import { createPatience } from './patience.ts'

/** The machines of a site, watched. `lookMinutes` 0: only when a mirror is published without a run. */
export function watchDrift(
  context: ControllerContext,
  { lookMinutes, announcements }: { lookMinutes: number; announcements: Pick<Announcements, 'machineDrifted'> },
): DriftWatch {
  const { clock, log, fleet } = context
  const everyMs = lookMinutes * 60_000
  const patience = createPatience(clock, Math.max(everyMs, 60_000))
  const round: DriftRoundOptions = { context, patience, onDrift: (drift) => announcements.machineDrifted(drift) }
  return new DriftWatch({
    clock,
    log,
    everyMs,
    jitter: () => randomInt(1001) / 1000,
    events: machineEvents(fleet, { clock, log }),
    round: (renewed) => driftRound(round, renewed),
  })
}
