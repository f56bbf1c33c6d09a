import fastifyRateLimit from '@fastify/rate-limit'
import { LarderError } from '../../core/index.ts'
import type { ApiApp } from './api/api-app.ts'

/** Limits the routes of this plugin to so many requests a minute from one address. RATE_LIMITED. */
export async function limitPerSource(app: ApiApp, perMinute: number): Promise<void> {
  await app.register(fastifyRateLimit, {
    max: perMinute,
    timeWindow: 60_000,
    // A network's worth of addresses; the least recently seen are forgotten.
    cache: 10_000,
    errorResponseBuilder: (_request, { ttl }) =>
      new LarderError('RATE_LIMITED', {
        message: `More than ${perMinute} such requests a minute came from this address.`,
        hint: `Try again in ${Math.ceil(ttl / 1000)} s.`,
      }),
  })
}
