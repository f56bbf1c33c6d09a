import { z } from 'zod'
import type { Controller } from '../../controller.ts'
import { failures, guarded, type ApiApp } from './api-app.ts'
import { mirrorParams, promoteBody } from './parameters.ts'
import { findingSchema, publicationSchema, runSchema } from './schemas.ts'

/** Changing what clients see: with the admin token only, which the caller sees to. */
export function addMirrorActions(app: ApiApp, controller: Controller): void {
  const tags = ['mirrors']
  const security = guarded

  app.post(
    '/mirrors/:mirror/promote',
    {
      schema: {
        tags,
        security,
        summary: 'Publish another snapshot',
        params: mirrorParams,
        body: promoteBody,
        response: { 200: publicationSchema, ...failures },
      },
    },
    (request) => controller.promote(request.params.mirror, request.body.snapshot),
  )
  app.post(
    '/mirrors/:mirror/rollback',
    {
      schema: {
        tags,
        security,
        summary: 'Publish the snapshot that was published before this one',
        params: mirrorParams,
        response: { 200: publicationSchema, ...failures },
      },
    },
    (request) => controller.rollback(request.params.mirror),
  )
  app.post(
    '/mirrors/:mirror/verify',
    {
      schema: {
        tags,
        security,
        summary: 'Read and hash every byte of the publication',
        params: mirrorParams,
        response: { 200: z.array(findingSchema), ...failures },
      },
    },
    (request) => controller.verify(request.params.mirror),
  )
  app.post(
    '/sync',
    {
      schema: {
        tags: ['runs'],
        security,
        summary: 'Plan and apply the head of main again',
        response: { 202: runSchema, ...failures },
      },
    },
    async (_request, reply) => reply.status(202).send(await controller.sync()),
  )
}
