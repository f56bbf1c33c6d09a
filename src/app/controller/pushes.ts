import { formatProblem, isLarderError, problemsIn, type KindContext, type Progress } from '../../core/index.ts'
import { planSite, type KindPlan, type Run } from '../../pipeline/index.ts'
import type { Controller, Push } from '../controller.ts'
import { describePlan } from '../describe-plan.ts'
import type { ControllerContext } from './context.ts'

const branchPrefix = 'refs/heads/'
const noCommit = /^0+$/

type PushMethods = Pick<Controller, 'checkPush' | 'pushed'>

/** The two moments of a push to the built-in Git endpoint: before it is accepted, and after. */
export function createPushMethods(context: ControllerContext): PushMethods {
  return {
    async checkPush(push, tell) {
      let accepted = true
      const toCome: Found[] = []
      for (const { branch, commit } of branchesOf(push)) {
        const found = await checkCommit(context, { branch, commit, environment: push.environment, tell })
        if (!(await context.appliedBranches()).includes(branch)) continue
        toCome.push(found)
        if (found.verdict !== 'invalid') continue
        tell(`${branch} must always be valid: the push is refused.`)
        accepted = false
      }
      // Git has its own work to do until the run is there.
      if (accepted) for (const found of toCome) anticipate(found)
      return { accepted }
    },
    async pushed(push, tell) {
      for (const { branch, commit } of branchesOf(push)) {
        const goal = (await context.appliedBranches()).includes(branch) ? 'apply' : 'plan'
        // The head may have been found by a look at all of them before anybody told of it.
        const isFound = (newest: Run): boolean => newest.commit === commit && newest.finishedAt === undefined
        const { run } = await context.runs.createUnless(isFound, { branch, commit, goal, origin: 'push' })
        tell(
          goal === 'apply'
            ? `run ${run.id} applies it: larder run logs ${run.id} --follow`
            : `run ${run.id} keeps what was found; ${branch} is not applied`,
        )
      }
      context.runner.wake()
    },
  }
}

function branchesOf(push: Push): { branch: string; commit: string }[] {
  return push.updates
    .filter((update) => update.ref.startsWith(branchPrefix) && !noCommit.test(update.after))
    .map((update) => ({ branch: update.ref.slice(branchPrefix.length), commit: update.after }))
}

interface Found {
  /** `unknown`: the files are valid, but an upstream could not be asked; the run will try again. */
  verdict: 'valid' | 'invalid' | 'unknown'
  /** Undefined without a plan. */
  planned?: { context: KindContext; plans: KindPlan[] }
}

function anticipate({ planned }: Found): void {
  if (planned === undefined) return
  const { context, plans } = planned
  for (const { kind, changes } of plans) for (const change of changes) kind.anticipate?.(context, change)
}

async function checkCommit(
  { openCommit, kinds, clock, leases, stopping, appliedBranches }: ControllerContext,
  {
    branch,
    commit,
    environment,
    tell,
  }: { branch: string; commit: string; environment: Record<string, string>; tell: (line: string) => void },
): Promise<Found> {
  const runId = `push-${commit}`
  const progress: Progress = { log: tell, transfer: () => {} }
  const signal = AbortSignal.any([AbortSignal.timeout(600_000), stopping])
  const files = await openCommit(commit, environment)
  try {
    const planned = await planSite(
      { files, clock, progress, signal, runId, freshForMs: 2000, trust: 'trusted' },
      kinds,
      { branch: (await appliedBranches()).includes(branch) ? branch : undefined },
    )
    for (const line of describePlan(planned.plans.flatMap((plan) => plan.changes))) tell(line)
    return { verdict: 'valid', planned }
  } catch (error) {
    if (!isLarderError(error)) throw error
    for (const line of describeFailure(error)) tell(line)
    return { verdict: error.exitCode === 3 ? 'invalid' : 'unknown' }
  } finally {
    await leases.release(await leases.acquire(`run/${runId}`))
    files.close()
  }
}

function describeFailure(error: {
  message: string
  hint: string | undefined
  context: Readonly<Record<string, unknown>>
}): string[] {
  const problems = problemsIn(error)
  const hint = error.hint === undefined || problems.length > 0 ? [] : [error.hint]
  return [error.message, ...problems.map(formatProblem), ...hint]
}
