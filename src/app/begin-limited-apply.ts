import type { NewRun, Run } from '../pipeline/index.ts'
import type { ControllerContext } from './controller/context.ts'

interface LimitedApply {
  commit: string
  machines: readonly string[]
  origin: string
}

/** An apply of the fleet's sections to these machines alone: it stands for none of the whole site, and replaces none. */
export async function requestLimitedApply(context: ControllerContext, asked: LimitedApply): Promise<Run> {
  const run = await context.runs.create(limitedRun(context, asked))
  context.runner.wake()
  return run
}

/** The same; undefined where the newest of the whole site is such that it is not needed any more. */
export async function beginLimitedApply(
  context: ControllerContext,
  asked: LimitedApply,
  isOutdated: (newest: Run) => boolean,
): Promise<Run | undefined> {
  const { run, isNew } = await context.runs.createUnless(isOutdated, limitedRun(context, asked))
  if (!isNew) return undefined
  context.runner.wake()
  return run
}

function limitedRun({ fleet }: ControllerContext, { commit, machines, origin }: LimitedApply): NewRun {
  const sections = fleet.kinds.map(({ section }) => section)
  return { branch: 'main', commit, goal: 'apply', origin, sections, only: { machines } }
}
