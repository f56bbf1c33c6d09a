import { z } from 'zod'
import type { Controller } from '../../controller.ts'
import { failures, guarded, type ApiApp } from './api-app.ts'
import { runSchema } from './schemas.ts'
import { serviceDetailSchema, serviceSchema } from './service-schemas.ts'

const params = z.object({ service: z.string().min(1).max(63) })
const tags = ['services']

export function addServiceRoutes(app: ApiApp, controller: Controller): void {
  const list = { 200: z.array(serviceSchema), ...failures }
  app.get('/services', { schema: { tags, summary: 'Services, as they were found last', response: list } }, () =>
    controller.services(),
  )
  const response = { 200: serviceDetailSchema, ...failures }
  const summary = 'A service on each of its machines, and what its load balancers say now'
  app.get('/services/:service', { schema: { tags, summary, params, response } }, (request) =>
    controller.service(request.params.service),
  )
}

/** With the admin token only, which the caller sees to. */
export function addServiceActions(app: ApiApp, controller: Controller): void {
  const response = { 202: runSchema, ...failures }
  const summary = 'Begin a service anew on one machine after the other; answers the run'
  app.post(
    '/services/:service/restart',
    { schema: { tags, security: guarded, summary, params, response } },
    async (request, reply) => reply.status(202).send(await controller.restartService(request.params.service)),
  )
}
