import { z } from 'zod'
import type { Controller } from '../../controller.ts'
import { failures, guarded, type ApiApp } from './api-app.ts'
import { runParams } from './parameters.ts'
import { deliverySchema, previewSchema, pullRequestSchema, pullRequestStateSchema } from './schemas.ts'

const digits = z
  .string()
  .regex(/^\d{1,9}$/, 'a whole number')
  .transform(Number)
const limit = digits.pipe(z.number().min(1).max(500)).optional().meta({ description: 'Default 50' })
const deliveriesQuery = z.strictObject({ limit, before: digits.optional() })
const pullRequestsQuery = z.strictObject({ limit, state: pullRequestStateSchema.optional() })
const previewsQuery = z.strictObject({ run: digits.optional() })

/** What a forge told, and what came of it. */
export function addForgeRoutes(app: ApiApp, controller: Controller): void {
  const tags = ['forges']
  app.get(
    '/deliveries',
    {
      schema: {
        tags,
        summary: 'Webhooks that came, newest first, and what became of them',
        querystring: deliveriesQuery,
        response: { 200: z.array(deliverySchema), ...failures },
      },
    },
    ({ query: { limit: most = 50, before } }) =>
      controller.deliveries(before === undefined ? { limit: most } : { limit: most, before }),
  )
  app.get(
    '/pull-requests',
    {
      schema: {
        tags,
        summary: 'Pull requests of the site, newest first',
        querystring: pullRequestsQuery,
        response: { 200: z.array(pullRequestSchema), ...failures },
      },
    },
    ({ query: { limit: most = 50, state } }) =>
      controller.pullRequests(state === undefined ? { limit: most } : { limit: most, state }),
  )
  app.get(
    '/previews',
    {
      schema: {
        tags,
        summary: 'What pull requests would publish, for clients to try',
        querystring: previewsQuery,
        response: { 200: z.array(previewSchema), ...failures },
      },
    },
    ({ query: { run } }) => controller.previews(run),
  )
}

export function addForgeActions(app: ApiApp, controller: Controller): void {
  app.post(
    '/previews/:run/remove',
    {
      schema: {
        tags: ['forges'],
        summary: 'Remove the previews of a run',
        security: guarded,
        params: runParams,
        response: { 200: z.object({ removed: z.number() }), ...failures },
      },
    },
    async (request) => ({ removed: await controller.removePreviews(request.params.run) }),
  )
}
