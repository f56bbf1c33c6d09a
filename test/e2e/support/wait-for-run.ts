import type { RunDetail } from '../../../src/app/controller.ts'
import type { ControllerClient } from '../../../src/app/cli/session.ts'

/** Polls until `found` answers with something. Fails after `timeoutMs`, telling what was waited for. */
export async function waitFor<T>(what: string, found: () => Promise<T | undefined>, timeoutMs = 60_000): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await found()
    if (value !== undefined) return value
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

type Asked = Pick<ControllerClient, 'runs' | 'run'>

/** The newest run, when it and all before it have ended. */
export async function waitForRuns(client: Asked, timeoutMs = 60_000): Promise<RunDetail> {
  return waitFor(
    'the runs to end',
    async () => {
      const runs = await client.runs({ limit: 50 })
      const [newest] = runs
      if (newest === undefined || runs.some((run) => run.finishedAt === undefined)) return undefined
      return client.run(newest.id)
    },
    timeoutMs,
  )
}

/** As waitForRuns, and fails with what the run says of itself when it did not succeed. */
export async function waitForSuccess(client: Asked, timeoutMs?: number): Promise<RunDetail> {
  const run = await waitForRuns(client, timeoutMs)
  if (run.state !== 'succeeded') throw new Error(`run ${run.id} ${run.state}: ${JSON.stringify(run.error)}`)
  return run
}
