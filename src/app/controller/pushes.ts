import { formatProblem, isLarderError, type Problem, type Progress } from '../../core/index.ts'
import { planSite } from '../../pipeline/index.ts'
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
      for (const { branch, commit } of branchesOf(push)) {
        const verdict = await checkCommit(context, { branch, commit, environment: push.environment, tell })
        if (verdict === 'invalid' && (await context.appliedBranches()).includes(branch)) {
          tell(`${branch} must always be valid: the push is refused.`)
          accepted = false
        }
      }
      return { accepted }
    },
    async pushed(push, tell) {
      for (const { branch, commit } of branchesOf(push)) {
        const goal = (await context.appliedBranches()).includes(branch) ? 'apply' : 'plan'
        const run = await context.runs.create({ branch, commit, goal, origin: 'push' })
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

/** `unknown`: the files are valid, but an upstream could not be asked; the run will try again. */
type Verdict = 'valid' | 'invalid' | 'unknown'

async function checkCommit(
  { openCommit, kinds, clock, leases, stopping, appliedBranches }: ControllerContext,
  {
    branch,
    commit,
    environment,
    tell,
  }: { branch: string; commit: string; environment: Record<string, string>; tell: (line: string) => void },
): Promise<Verdict> {
  const runId = `push-${commit}`
  const progress: Progress = { log: tell, transfer: () => {} }
  const signal = AbortSignal.any([AbortSignal.timeout(600_000), stopping])
  const files = await openCommit(commit, environment)
  try {
    const { plans } = await planSite(
      { files, clock, progress, signal, runId, freshForMs: 2000, trust: 'trusted' },
      kinds,
      { branch: (await appliedBranches()).includes(branch) ? branch : undefined },
    )
    for (const line of describePlan(plans.flatMap((plan) => plan.changes))) tell(line)
    return 'valid'
  } catch (error) {
    if (!isLarderError(error)) throw error
    for (const line of describeFailure(error)) tell(line)
    return error.exitCode === 3 ? 'invalid' : 'unknown'
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
  const problems = (error.context['problems'] ?? []) as Problem[]
  const hint = error.hint === undefined || problems.length > 0 ? [] : [error.hint]
  return [error.message, ...problems.map(formatProblem), ...hint]
}
