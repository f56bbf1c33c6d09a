import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { errorSchema } from './schemas.ts'

/** Fastify whose params, queries, bodies and answers are typed by their zod schemas. */
export type ApiApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>

/** What every route of the API may answer besides its 200. */
export const failures = { '4xx': errorSchema, '5xx': errorSchema } as const

/** Marks a route that needs the admin token, for the OpenAPI description. */
export const guarded = [{ token: [] }]
