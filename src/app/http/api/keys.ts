import { z } from 'zod'
import type { Controller } from '../../controller.ts'
import { failures, guarded, type ApiApp } from './api-app.ts'
import { demandLoopback } from './loopback-only.ts'
import { mirrorParams } from './parameters.ts'
import { keySchema } from './schemas.ts'

const importBody = z.strictObject({
  armored: z.string().max(100_000).meta({ description: 'Private key, ASCII armour' }),
  passphrase: z.string().max(1000).optional().meta({ description: 'Opens the key that is given' }),
})

/** Fingerprints of keys: open to everyone, as the keys are. */
export function addKeyRoutes(app: ApiApp, controller: Controller): void {
  const response = { 200: z.array(keySchema), ...failures }
  const schema = { tags: ['keys'], summary: 'Keys that sign a mirror, newest first', params: mirrorParams, response }
  app.get('/mirrors/:mirror/keys', { schema }, (request) => controller.keys(request.params.mirror))
}

/** Changing what signs: with the admin token only, which the caller sees to. */
export function addKeyActions(app: ApiApp, controller: Controller): void {
  const security = guarded
  const params = mirrorParams
  const rotated = { 200: z.array(keySchema), ...failures }
  app.post(
    '/mirrors/:mirror/keys/rotate',
    { schema: { tags: ['keys'], security, summary: 'Make a new key and sign with both', params, response: rotated } },
    (request) => controller.rotateKey(request.params.mirror),
  )

  app.post(
    '/mirrors/:mirror/keys/import',
    {
      schema: {
        tags: ['keys'],
        security,
        summary: 'Sign with an existing key; asked from the machine itself only',
        params,
        body: importBody,
        response: rotated,
      },
    },
    (request) => {
      demandLoopback(request.ip)
      return controller.importKey(request.params.mirror, request.body)
    },
  )
}
