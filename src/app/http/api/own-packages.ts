import type { Readable } from 'node:stream'
import { z } from 'zod'
import type { Controller } from '../../controller.ts'
import { failures, guarded, type ApiApp } from './api-app.ts'
import { mirrorParams, ownPackageQuery, removeOwnBody } from './parameters.ts'
import { ownPackageSchema } from './schemas.ts'

export function addOwnPackageRoutes(app: ApiApp, controller: Controller): void {
  app.get(
    '/mirrors/:mirror/own',
    {
      schema: {
        tags: ['packages'],
        summary: "Packages of a mirror that are no upstream's",
        params: mirrorParams,
        response: { 200: z.array(ownPackageSchema), ...failures },
      },
    },
    (request) => controller.ownPackages(request.params.mirror),
  )
}

/** With the admin token only, which the caller sees to. The next run publishes what has changed. */
export function addOwnPackageActions(app: ApiApp, controller: Controller): void {
  // The body is not read here, but handed on as it comes.
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) => {
    done(null, payload)
  })
  app.post(
    '/mirrors/:mirror/own',
    {
      schema: {
        tags: ['packages'],
        security: guarded,
        summary: 'Add a package file to a mirror; the body is the file, as application/octet-stream',
        consumes: ['application/octet-stream'],
        params: mirrorParams,
        querystring: ownPackageQuery,
        response: { 201: ownPackageSchema, ...failures },
      },
      bodyLimit: mostBytes,
    },
    async (request, reply) => {
      const { label = 'the package' } = request.query
      const added = await controller.addPackage(request.params.mirror, { label, content: request.body as Readable })
      return reply.status(201).send(added)
    },
  )
  app.post(
    '/mirrors/:mirror/own/remove',
    {
      schema: {
        tags: ['packages'],
        security: guarded,
        summary: 'Remove packages of that name from what a mirror has of its own',
        params: mirrorParams,
        body: removeOwnBody,
        response: { 200: z.array(ownPackageSchema), ...failures },
      },
    },
    (request) => controller.removePackage(request.params.mirror, request.body),
  )
}

/** What is larger is refused where it is received. */
const mostBytes = 9 * 1024 ** 3
