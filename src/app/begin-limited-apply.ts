import type { Run } from '../pipeline/index.ts'
import type { ControllerContext } from './controller/context.ts'

interface LimitedApply {
  commit: string
  machines: readonly string[]
  origin: string
}

/**
 * An apply of the fleet's sections to these machines alone: it stands for none of the whole site, and replaces none. Undefined where
 * the newest of the whole site is such that it is not needed any more.
 */
export async function beginLimitedApply(
  { runs, runner, fleet }: ControllerContext,
  { commit, machines, origin }: LimitedApply,
  isOutdated: (newest: Run) => boolean,
): Promise<Run | undefined> {
  const sections = fleet.kinds.map(({ section }) => section)
  const asked = { branch: 'main', commit, goal: 'apply', origin, sections, only: { machines } } as const
  const { run, isNew } = await runs.createUnless(isOutdated, asked)
  if (!isNew) return undefined
  runner.wake()
  return run
}

/** The same, whatever else there is. */
export async function requestLimitedApply(context: ControllerContext, asked: LimitedApply): Promise<Run> {
  const run = await beginLimitedApply(context, asked, () => false)
  if (run === undefined) throw new Error('nothing makes it needless')
  return run
}
