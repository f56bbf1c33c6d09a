import fastifyHelmet from '@fastify/helmet'
import Fastify, { type FastifyInstance } from 'fastify'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import type { RequestListener, Server } from 'node:http'
import { LarderError, systemClock } from '../../core/index.ts'
import { http } from '../node-http.ts'
import { addBadges } from './badges.ts'
import { createAdminToken } from './admin-token.ts'
import { addApi } from './api/routes.ts'
import type { ApiApp } from './api/api-app.ts'
import { answerError, answerUnknown } from './error-answer.ts'
import { createPublishedFiles } from './files/serve-published.ts'
import { addGitEndpoint } from './git/routes.ts'
import { createHookEndpoint } from './hooks/endpoint.ts'
import { lingerOver } from './linger-over.ts'
import { createHttpMetrics, type HttpMetrics } from './metrics.ts'
import { defaultLimits, type HttpContext, type HttpOptions } from './options.ts'
import { createRegistryAccess } from './registry/access.ts'
import { createRegistryEndpoint } from './registry/endpoint.ts'
import { addPages } from './pages/routes.ts'
import { addSetup } from './setup/routes.ts'
import { createTlsServer, portOf, serverTimeouts } from './tls-server.ts'

export interface HttpServer {
  /** `port: 0` takes a free one. An address that is in use, or not ours, is ADDRESS_UNUSABLE. */
  listen(address: ListenAddress): Promise<{ port: number }>
  /** As `listen`, for the same addresses over TLS. USAGE without `tls` in the options. */
  listenTls(address: ListenAddress): Promise<{ port: number }>
  /** New connections are shown what `tls` certifies now. */
  renewTls(): void
  /** Accepts nothing more, lets what is under way end within `closeGraceMs`, and ends all it started. */
  close(): Promise<void>
}

export interface ListenAddress {
  host: string
  port: number
}

/** Everything that Larder says over HTTP. Routes answer from the controller and reach past it for nothing. */
export async function createServer(options: HttpOptions): Promise<HttpServer> {
  const context: HttpContext = {
    ...options,
    clock: options.clock ?? systemClock,
    limits: { ...defaultLimits, ...options.limits },
  }
  const metrics = createHttpMetrics(context)
  const { app, server, answerAny } = createApp(context, metrics)
  const tls = context.tls && createTlsServer({ tls: context.tls, answerAny })
  await addRoutes(app, context, metrics)
  return {
    listen: async ({ host, port }) => {
      await app.listen({ host, port }).catch(unusable)
      return { port: portOf(server) ?? port }
    },
    listenTls: async (address) => {
      if (tls === undefined) throw new LarderError('USAGE', { message: 'No certificate is configured for TLS.' })
      await tls.listen(address).catch(unusable)
      return { port: tls.port() ?? address.port }
    },
    renewTls: () => tls?.renew(),
    close: async () => {
      const giveUp = setTimeout(() => {
        server.closeAllConnections()
        tls?.closeAllConnections()
      }, context.limits.closeGraceMs)
      await Promise.all([app.close(), tls?.close()])
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

interface Application {
  app: ApiApp
  server: Server
  /** Answers every request, whichever server it came to. */
  answerAny: RequestListener
}

/** Published files and deliveries are answered on the bare server: what comes most often takes the shortest way. */
function createApp(context: HttpContext, metrics: HttpMetrics): Application {
  const { controller, log, limits } = context
  const servePublished = createPublishedFiles({
    controller,
    log,
    stallMs: limits.stallMs,
    smallFilesBytes: limits.smallFilesBytes,
    onServed: ({ format, status, bodyBytes }) => metrics.served(format, status, bodyBytes),
  })
  const serveRegistry = registryEndpointOf(context, metrics)
  const takeDelivery = createHookEndpoint({
    controller,
    log,
    limits,
    clock: context.clock,
    hooks: context.hooks,
    trustedProxies: context.trustedProxies,
    onAnswered: (status) => metrics.request('/hooks/:forge', 'POST', status),
  })
  const server = http.createServer(serverTimeouts)
  let answerAny: RequestListener = () => undefined
  const app: FastifyInstance = Fastify({
    trustProxy: context.trustedProxies === undefined ? false : [...context.trustedProxies],
    bodyLimit: 64 * 1024,
    forceCloseConnections: 'idle',
    schemaController: { compilersFactory: { buildValidator: neverBuilt, buildSerializer: neverBuilt } },
    serverFactory: (answer: RequestListener) => {
      answerAny = (request, response) => {
        lingerOver(request, response)
        if (serveRegistry?.(request, response) === true || takeDelivery(request, response)) return
        if (!servePublished(request, response)) answer(request, response)
      }
      return server.on('request', answerAny)
    },
  })
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.setErrorHandler(answerError(log))
  app.setNotFoundHandler(answerUnknown)
  app.addHook('onResponse', (request, reply, done) => {
    metrics.request(request.routeOptions.url ?? 'none', request.method, reply.statusCode)
    done()
  })
  return { app: app.withTypeProvider<ZodTypeProvider>(), server, answerAny }
}

/** In place of Fastify's own compilers, which take a tenth of a start to load; ours are set. */
function neverBuilt(): never {
  throw new Error('schemas are compiled by what is set on the server')
}

function registryEndpointOf(
  context: HttpContext,
  metrics: HttpMetrics,
): ReturnType<typeof createRegistryEndpoint> | undefined {
  const { registry: served, clock, log, limits, publicUrl, trustedProxies } = context
  if (served === undefined) return undefined
  const { registry, ...whom } = served
  const access = createRegistryAccess({ ...whom, adminToken: createAdminToken(context.token), clock })
  const { stallMs, smallFilesBytes } = limits
  const onServed = ({ method, status }: { method: string; status: number }) => metrics.request('/v2/', method, status)
  return createRegistryEndpoint({
    registry,
    access,
    log,
    clock,
    publicUrl,
    trustedProxies,
    stallMs,
    smallFilesBytes,
    onServed,
  })
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
  addBadges(app, context)
  await addApi(app, context, token)
  await addGitEndpoint(app, context, token)
  await app.ready()
}
