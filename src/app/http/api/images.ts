import { z } from 'zod'
import type { Controller } from '../../controller.ts'
import { failures, guarded, type ApiApp } from './api-app.ts'
import { imageDetailSchema, imageSchema } from './image-schemas.ts'
import { findingSchema, runSchema } from './schemas.ts'

const imageParams = z.object({ image: z.string().min(1).max(255) })
const versionBody = z.strictObject({ version: z.string().min(1).max(128) })
const imageKeySchema = z.object({ fingerprint: z.string(), retiresAt: z.iso.datetime().optional() })
const tags = ['images']

export function addImageRoutes(app: ApiApp, controller: Controller): void {
  const list = { 200: z.array(imageSchema), ...failures }
  app.get('/images', { schema: { tags, summary: 'Images that were built, by name', response: list } }, () =>
    controller.images(),
  )
  const response = { 200: imageDetailSchema, ...failures }
  app.get(
    '/images/:image',
    { schema: { tags, summary: 'Versions, builds and proofs of an image', params: imageParams, response } },
    (request) => controller.image(request.params.image),
  )
}

/** With the admin token only, which the caller sees to. */
export function addImageActions(app: ApiApp, controller: Controller): void {
  const common = { tags, security: guarded }
  app.post(
    '/images/build',
    {
      schema: {
        ...common,
        summary: 'Build what has changed; answers the run',
        response: { 202: runSchema, ...failures },
      },
    },
    async (_request, reply) => reply.status(202).send(await controller.buildImages()),
  )
  app.post(
    '/images/rotate-key',
    {
      schema: {
        ...common,
        summary: 'Make a new key that signs images, beside the old one for 30 days',
        response: { 200: z.array(imageKeySchema), ...failures },
      },
    },
    () => controller.rotateImageKey(),
  )
  app.post(
    '/images/:image/verify',
    {
      schema: {
        ...common,
        summary: 'Read and hash a version, and look at its signature; none found is an empty list',
        params: imageParams,
        body: versionBody,
        response: { 200: z.array(findingSchema), ...failures },
      },
    },
    (request) => controller.verifyImage(request.params.image, request.body.version),
  )
  app.post(
    '/images/:image/remove',
    {
      schema: {
        ...common,
        summary: 'Remove a version from the registry',
        params: imageParams,
        body: versionBody,
        response: { 200: z.object({ removed: z.string() }), ...failures },
      },
    },
    (request) => controller.removeImage(request.params.image, request.body.version),
  )
}
