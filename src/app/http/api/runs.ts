import { z } from 'zod'
import type { HttpContext } from '../options.ts'
import { failures, guarded, type ApiApp } from './api-app.ts'
import { logQuery, runParams } from './parameters.ts'
import { LogFollowers } from './log-followers.ts'
import { logLineSchema, runDetailSchema, runSchema, runStateSchema } from './schemas.ts'

const digits = z.string().regex(/^\d{1,9}$/, 'a whole number')
const runsQuery = z.strictObject({
  limit: digits.transform(Number).pipe(z.number().min(1).max(500)).optional().meta({ description: 'Default 50' }),
  before: digits.transform(Number).optional().meta({ description: 'Only runs with a smaller id' }),
  state: runStateSchema.optional(),
  pullRequest: digits.transform(Number).optional().meta({ description: 'Only runs of this pull request' }),
})

/** Reading runs: open to everyone. */
export function addRunRoutes(app: ApiApp, context: HttpContext): void {
  const { controller } = context
  const tags = ['runs']
  const followers = new LogFollowers(context)
  app.addHook('preClose', async () => followers.close())

  app.get(
    '/runs',
    {
      schema: {
        tags,
        summary: 'Runs, newest first',
        querystring: runsQuery,
        response: { 200: z.array(runSchema), ...failures },
      },
    },
    ({ query: { limit = 50, before, state, pullRequest } }) =>
      controller.runs({
        limit,
        ...(before === undefined ? {} : { before }),
        ...(state === undefined ? {} : { state }),
        ...(pullRequest === undefined ? {} : { pullRequest }),
      }),
  )
  app.get(
    '/runs/:run',
    { schema: { tags, summary: 'One run', params: runParams, response: { 200: runDetailSchema, ...failures } } },
    (request) => controller.run(request.params.run),
  )
  app.get(
    '/runs/:run/log',
    {
      schema: {
        tags,
        summary: 'Log of a run; as server-sent events with follow=1',
        description:
          'With follow=1 the answer is text/event-stream: `log` with a LogLine (its id is the number of the line), `state` ' +
          'when the state of the run changes, `end` when it has ended. Last-Event-ID goes on after that line.',
        params: runParams,
        querystring: logQuery,
        response: { 200: z.array(logLineSchema), ...failures },
      },
    },
    async (request, reply) => {
      const { run } = request.params
      const { after, follow } = request.query
      if (follow !== '1') return controller.runLog(run, after)
      // Unknown runs are told before the stream begins.
      await controller.run(run)
      await followers.follow(reply, run, lastEventId(request.headers['last-event-id']) ?? after ?? 0)
      return reply
    },
  )
}

/** Doing something about a run: with the admin token only, which the caller sees to. */
export function addRunActions(app: ApiApp, { controller }: HttpContext): void {
  const schema = { tags: ['runs'], security: guarded, params: runParams, response: { 200: runSchema, ...failures } }
  app.post('/runs/:run/retry', { schema: { ...schema, summary: 'Run a failed run again' } }, (request) =>
    controller.retryRun(request.params.run),
  )
  app.post('/runs/:run/cancel', { schema: { ...schema, summary: 'Stop a run' } }, (request) =>
    controller.cancelRun(request.params.run),
  )
}

function lastEventId(header: string | string[] | undefined): number | undefined {
  return typeof header === 'string' && /^\d{1,9}$/.test(header) ? Number(header) : undefined
}
