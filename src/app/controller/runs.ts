import { LarderError } from '../../core/index.ts'
import { problemsOf, type Run, type RunStep, type RunStore } from '../../pipeline/index.ts'
import type { Controller, RunDetail, RunSummary } from '../controller.ts'
import type { ControllerContext } from './context.ts'

type RunMethods = Pick<Controller, 'runs' | 'run' | 'runLog' | 'retryRun' | 'cancelRun' | 'sync'>

export function createRunMethods({ runs, runner, siteHead }: ControllerContext): RunMethods {
  return {
    runs: async (options) => (await runs.list(options)).map(summarizeRun),
    run: async (id) => detailRun(await runs.get(id), await runs.steps(id)),
    async runLog(id, after = 0) {
      await runs.get(id)
      return (await runs.readLog(id, after)).map((line) => ({ ...line, at: line.at.toISOString() }))
    },
    async retryRun(id) {
      const run = await runs.get(id)
      if (run.state !== 'failed' && run.state !== 'cancelled') {
        throw new LarderError('RUN_STATE', {
          message: `Run ${id} is ${run.state}; only a failed or cancelled run can be tried again.`,
        })
      }
      await refuseWhenOvertaken(runs, run)
      await runs.retry(id)
      runner.wake()
      return summarizeRun(await runs.get(id))
    },
    cancelRun: async (id) => summarizeRun(await runner.cancel(id)),
    async sync() {
      const head = await siteHead.current()
      if (head === undefined) {
        throw new LarderError('NOT_FOUND', {
          message: 'The site repository has no valid main branch yet.',
          hint: 'Push a commit with larder.yaml to main.',
        })
      }
      return summarizeRun(await requestSync({ runs, runner }, head.commit))
    },
  }
}

/** Queues a sync of a commit; one that waits already will do. */
export async function requestSync(
  { runs, runner }: Pick<ControllerContext, 'runs' | 'runner'>,
  commit: string,
): Promise<Run> {
  const waiting = (await runs.waiting()).find((run) => run.origin === 'sync' && run.commit === commit)
  const run = waiting ?? (await runs.create({ branch: 'main', commit, goal: 'apply', origin: 'sync' }))
  runner.wake()
  return run
}

/** An apply of an older commit would bring back what a newer one has replaced. RUN_STATE. */
async function refuseWhenOvertaken(runs: RunStore, { id, branch, goal }: Run): Promise<void> {
  if (goal === 'plan') return
  const latest = await runs.latest(branch, goal)
  if (latest === undefined || latest.id <= id) return
  throw new LarderError('RUN_STATE', {
    message: `Run ${id} is not the newest apply of ${branch}: run ${latest.id} came after it.`,
    hint: 'larder mirror sync applies the head of main; to go back, use git revert, or larder mirror rollback.',
  })
}

export function summarizeRun(run: Run): RunSummary {
  const { id, branch, commit, goal, state, origin, createdAt, startedAt, finishedAt, error } = run
  const { pullRequest, baseCommit, trust } = run
  return {
    id,
    branch,
    commit,
    goal,
    state,
    origin,
    pullRequest,
    baseCommit,
    trust,
    createdAt: createdAt.toISOString(),
    startedAt: startedAt?.toISOString(),
    finishedAt: finishedAt?.toISOString(),
    error,
  }
}

function detailRun(run: Run, steps: readonly RunStep[]): RunDetail {
  return {
    ...summarizeRun(run),
    steps: steps.map(({ name, state, startedAt, finishedAt }) => ({
      name,
      state,
      startedAt: startedAt.toISOString(),
      finishedAt: finishedAt?.toISOString(),
    })),
    plan: run.plan,
    problems: problemsOf(run),
  }
}
