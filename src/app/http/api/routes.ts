import fastifySwagger from '@fastify/swagger'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import type { AdminToken } from '../admin-token.ts'
import type { HttpContext } from '../options.ts'
import { limitPerSource } from '../rate-limit.ts'
import type { ApiApp } from './api-app.ts'
import { siteSchema } from './schemas.ts'
import { addForgeActions, addForgeRoutes } from './forges.ts'
import { addImageActions, addImageRoutes } from './images.ts'
import { addMachineActions, addMachineRoutes } from './machines.ts'
import { addMirrorActions } from './mirror-actions.ts'
import { addMirrorRoutes, addPackageRoutes } from './mirrors.ts'
import { addRunActions, addRunRoutes } from './runs.ts'
import { addKeyActions, addKeyRoutes } from './keys.ts'
import { addServiceActions, addServiceRoutes } from './services.ts'
import { addOwnPackageActions, addOwnPackageRoutes } from './own-packages.ts'
import { addPlanActions } from './plan.ts'
import { addUpkeepActions } from './upkeep.ts'

/** `/api/v1`: reading is open, writing needs the admin token. */
export async function addApi(app: ApiApp, context: HttpContext, token: AdminToken): Promise<void> {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Larder',
        version: '1',
        description:
          'Mirrors, snapshots, packages and runs of one site. Errors are `{ error: { code, message, hint, context } }`.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'The admin token, made at the first start' },
        },
      },
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  })
  await app.register(
    async (api: ApiApp) => {
      addMirrorRoutes(api, context.controller)
      addPackageRoutes(api, context.controller)
      addKeyRoutes(api, context.controller)
      addOwnPackageRoutes(api, context.controller)
      addRunRoutes(api, context)
      addImageRoutes(api, context.controller)
      addMachineRoutes(api, context.controller)
      addServiceRoutes(api, context.controller)
      addForgeRoutes(api, context.controller)
      api.get(
        '/site',
        { schema: { tags: ['site'], summary: 'The site and the commit that holds', response: { 200: siteSchema } } },
        () => context.controller.site(),
      )
      api.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
      await api.register(async (writing: ApiApp) => {
        await limitPerSource(writing, context.limits.writesPerMinute)
        writing.addHook('onRequest', async (request) => token.demand(request.headers.authorization))
        addMirrorActions(writing, context.controller)
        addRunActions(writing, context)
        addImageActions(writing, context.controller)
        addMachineActions(writing, context.controller)
        addServiceActions(writing, context.controller)
        addForgeActions(writing, context.controller)
        addUpkeepActions(writing, context.controller)
        addPlanActions(writing, context.controller)
        addKeyActions(writing, context.controller)
        addOwnPackageActions(writing, context.controller)
      })
    },
    { prefix: '/api/v1' },
  )
}
