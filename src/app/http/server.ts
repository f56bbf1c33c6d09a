import fastifyHelmet from '@fastify/helmet'
import Fastify, { type FastifyInstance } from 'fastify'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http'
import { LarderError, systemClock } from '../../core/index.ts'
import { createAdminToken } from './admin-token.ts'
import { addApi } from './api/routes.ts'
import type { ApiApp } from './api/api-app.ts'
import { answerError, answerUnknown } from './error-answer.ts'
import { createPublishedFiles } from './files/serve-published.ts'
import { addGitEndpoint } from './git/routes.ts'
import { addHooks } from './hooks/routes.ts'
import { createHttpMetrics, type HttpMetrics } from './metrics.ts'
import { defaultLimits, type HttpContext, type HttpOptions } from './options.ts'
import { createRegistryAccess } from './registry/access.ts'
import { createRegistryEndpoint } from './registry/endpoint.ts'
import { addPages } from './pages/routes.ts'
import { addSetup } from './setup/routes.ts'

export interface HttpServer {
  /** `port: 0` takes a free one. An address that is in use, or not ours, is ADDRESS_UNUSABLE. */
  listen(address: { host: string; port: number }): Promise<{ port: number }>
  /** Accepts nothing more, lets what is under way end within `closeGraceMs`, and ends all it started. */
  close(): Promise<void>
}

/** Everything that Larder says over HTTP. Routes answer from the controller and reach past it for nothing. */
export async function createServer(options: HttpOptions): Promise<HttpServer> {
  const context: HttpContext = {
    ...options,
    clock: options.clock ?? systemClock,
    limits: { ...defaultLimits, ...options.limits },
  }
  const metrics = createHttpMetrics(context)
  const { app, server } = createApp(context, metrics)
  await addRoutes(app, context, metrics)
  return {
    listen: async ({ host, port }) => {
      await app.listen({ host, port }).catch(unusable)
      const address = server.address()
      return { port: typeof address === 'object' && address !== null ? address.port : port }
    },
    close: async () => {
      const giveUp = setTimeout(() => server.closeAllConnections(), context.limits.closeGraceMs)
      await app.close()
      clearTimeout(giveUp)
    },
  }
}

function unusable(cause: NodeJS.ErrnoException): never {
  if (!['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL', 'ENOTFOUND'].includes(cause.code ?? '')) throw cause
  throw new LarderError('ADDRESS_UNUSABLE', {
    message: `Cannot listen: ${cause.message}.`,
    hint: 'Choose another port or address, or end what uses this one.',
    cause,
  })
}

/** Published files are answered on the bare server: what is asked for most takes the shortest way. */
function createApp(context: HttpContext, metrics: HttpMetrics): { app: ApiApp; server: Server } {
  const { controller, log, limits } = context
  const servePublished = createPublishedFiles({
    controller,
    log,
    stallMs: limits.stallMs,
    smallFilesBytes: limits.smallFilesBytes,
    onServed: ({ format, status, bodyBytes }) => metrics.served(format, status, bodyBytes),
  })
  const serveRegistry = registryEndpointOf(context, metrics)
  const server = createHttpServer({
    keepAliveTimeout: 75_000,
    headersTimeout: 60_000,
    // A push over a slow line takes its time.
    requestTimeout: 3_600_000,
  })
  const app: FastifyInstance = Fastify({
    trustProxy: context.trustedProxies === undefined ? false : [...context.trustedProxies],
    bodyLimit: 64 * 1024,
    forceCloseConnections: 'idle',
    schemaController: { compilersFactory: { buildValidator: neverBuilt, buildSerializer: neverBuilt } },
    serverFactory: (answer: RequestListener) =>
      server.on('request', (request, response) => {
        if (serveRegistry?.(request, response) !== true && !servePublished(request, response)) answer(request, response)
      }),
  })
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.setErrorHandler(answerError(log))
  app.setNotFoundHandler(answerUnknown)
  app.addHook('onResponse', (request, reply, done) => {
    metrics.request(request.routeOptions.url ?? 'none', request.method, reply.statusCode)
    done()
  })
  return { app: app.withTypeProvider<ZodTypeProvider>(), server }
}

/** In place of Fastify's own compilers, which take a tenth of a start to load; ours are set. */
function neverBuilt(): never {
  throw new Error('schemas are compiled by what is set on the server')
}

function registryEndpointOf(
  context: HttpContext,
  metrics: HttpMetrics,
): ReturnType<typeof createRegistryEndpoint> | undefined {
  const { registry: served, clock, log, limits, publicUrl } = context
  if (served === undefined) return undefined
  const { registry, ...whom } = served
  const access = createRegistryAccess({ ...whom, adminToken: createAdminToken(context.token), clock })
  const { stallMs, smallFilesBytes } = limits
  const onServed = ({ method, status }: { method: string; status: number }) => metrics.request('/v2/', method, status)
  return createRegistryEndpoint({ registry, access, log, clock, publicUrl, stallMs, smallFilesBytes, onServed })
}

async function addRoutes(app: ApiApp, context: HttpContext, metrics: HttpMetrics): Promise<void> {
  const token = createAdminToken(context.token)
  await app.register(fastifyHelmet, {
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    // Whether this network has TLS is not ours to say; a promise made here would outlast the proxy that made it true.
    strictTransportSecurity: false,
  })
  addPages(app, context, metrics)
  addSetup(app, context)
  await addApi(app, context, token)
  await addHooks(app, context)
  await addGitEndpoint(app, context, token)
  await app.ready()
}
