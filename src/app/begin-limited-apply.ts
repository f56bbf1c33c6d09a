import type { Run } from '../pipeline/index.ts'
import type { ControllerContext } from './controller/context.ts'

/** An apply of the fleet's sections to these machines alone: it stands for none of the whole site, and replaces none. */
export async function beginLimitedApply(
  { runs, runner, fleet }: ControllerContext,
  { commit, machines, origin }: { commit: string; machines: readonly string[]; origin: string },
): Promise<Run> {
  const sections = fleet.kinds.map(({ section }) => section)
  const run = await runs.create({ branch: 'main', commit, goal: 'apply', origin, sections, only: { machines } })
  runner.wake()
  return run
}
