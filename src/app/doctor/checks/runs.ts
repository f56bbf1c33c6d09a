import type { Run } from '../../../pipeline/index.ts'
import type { Ailment, DoctorCheck, DoctorContext } from '../check.ts'

const hourMs = 3600_000

/** Runs go on, and the newest apply of main did not fail. */
export const runsCheck: DoctorCheck = {
  name: 'runs',
  async look(context) {
    const { runs, clock } = context.context
    const isIdle = await runnerIsIdle(context)
    const now = clock.now().getTime()
    const running = isIdle ? await runs.list({ limit: 50, state: 'running' }) : []
    const waiting = (await runs.waiting()).filter((run) => now - run.createdAt.getTime() > hourMs)
    const latest = await runs.latest('main', 'apply')
    return [
      ...running.map((run) => abandoned(context, run)),
      ...(isIdle ? waiting.map((run) => forgotten(context, run)) : []),
      ...(latest?.state === 'failed' ? [failed(latest)] : []),
    ]
  },
}

async function runnerIsIdle({ context }: DoctorContext): Promise<boolean> {
  return Promise.race([
    context.runner.idle().then(() => true),
    new Promise<boolean>((resolve) => setImmediate(() => resolve(false))),
  ])
}

function abandoned({ context }: DoctorContext, run: Run): Ailment {
  return {
    severity: 'error',
    subject: `run ${run.id}`,
    message: `Run ${run.id} is marked as running since ${run.startedAt?.toISOString() ?? 'some time'}, but nothing works at it.`,
    hint: 'A controller takes it up again when it starts; what it had staged is kept.',
    mend: async () => {
      await context.runs.putBack(run.id)
      context.runner.wake()
    },
  }
}

function forgotten({ context, isServing }: DoctorContext, run: Run): Ailment {
  return {
    severity: 'warning',
    subject: `run ${run.id}`,
    message: `Run ${run.id} has been waiting since ${run.createdAt.toISOString()}, and nothing else is at work.`,
    hint: isServing ? `larder run cancel ${run.id} gives it up.` : 'larder up: runs are worked at by the controller.',
    ...(isServing ? { mend: async () => context.runner.wake() } : {}),
  }
}

function failed(run: Run): Ailment {
  const why = run.error === undefined ? '' : `: ${run.error.message} [${run.error.code}]`
  return {
    severity: 'error',
    subject: `run ${run.id}`,
    message: `The newest apply of main failed${why}`,
    hint: `${run.error?.hint ?? `larder run logs ${run.id} says more.`} Then larder run retry ${run.id}. What was published before goes on being served.`,
  }
}
