import { z } from 'zod'
import type { Controller } from '../../controller.ts'
import { failures, type ApiApp } from './api-app.ts'
import { diffQuery, mirrorParams, packagesQuery, whyParams } from './parameters.ts'
import { diffSchema, mirrorDetailSchema, mirrorSchema, packageSchema, snapshotSchema, whySchema } from './schemas.ts'

/** Reading mirrors: open to everyone. */
export function addMirrorRoutes(app: ApiApp, controller: Controller): void {
  const tags = ['mirrors']

  app.get(
    '/mirrors',
    { schema: { tags, summary: 'All mirrors', response: { 200: z.array(mirrorSchema), ...failures } } },
    () => controller.mirrors(),
  )
  app.get(
    '/mirrors/:mirror',
    {
      schema: { tags, summary: 'One mirror', params: mirrorParams, response: { 200: mirrorDetailSchema, ...failures } },
    },
    (request) => controller.mirror(request.params.mirror),
  )
  app.get(
    '/mirrors/:mirror/snapshots',
    {
      schema: {
        tags,
        summary: 'Snapshots of a mirror, newest first',
        params: mirrorParams,
        response: { 200: z.array(snapshotSchema), ...failures },
      },
    },
    (request) => controller.snapshots(request.params.mirror),
  )
}

/** Reading what snapshots hold: open to everyone. */
export function addPackageRoutes(app: ApiApp, controller: Controller): void {
  const tags = ['packages']

  app.get(
    '/mirrors/:mirror/packages',
    {
      schema: {
        tags,
        summary: 'Packages of a snapshot',
        params: mirrorParams,
        querystring: packagesQuery,
        response: { 200: z.array(packageSchema), ...failures },
      },
    },
    (request) => controller.packages(request.params.mirror, request.query.snapshot),
  )
  app.get(
    '/mirrors/:mirror/diff',
    {
      schema: {
        tags,
        summary: 'What differs between two snapshots',
        params: mirrorParams,
        querystring: diffQuery,
        response: { 200: diffSchema, ...failures },
      },
    },
    (request) => controller.diff(request.params.mirror, request.query.from, request.query.to),
  )
  app.get(
    '/mirrors/:mirror/why/:package',
    {
      schema: {
        tags,
        summary: 'Why the mirror holds a package',
        params: whyParams,
        response: { 200: z.array(whySchema), ...failures },
      },
    },
    (request) => controller.why(request.params.mirror, request.params.package),
  )
}
