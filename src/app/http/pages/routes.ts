import type { ApiApp } from '../api/api-app.ts'
import { runParams } from '../api/parameters.ts'
import { baseUrlOf } from '../base-url.ts'
import type { HttpMetrics } from '../metrics.ts'
import type { HttpContext } from '../options.ts'
import { pageSecurityPolicy } from './page.ts'
import { renderRun } from './run-page.ts'
import { renderStatus } from './status-page.ts'

/** The status page, probes and metrics. */
export function addPages(app: ApiApp, context: HttpContext, metrics: HttpMetrics): void {
  const { controller } = context
  const hidden = { schema: { hide: true } }

  app.get('/', hidden, async (request, reply) => {
    const [health, mirrors, runs] = await Promise.all([
      controller.health(),
      controller.mirrors(),
      controller.runs({ limit: 10 }),
    ])
    const { name: site, commit } = await controller.site()
    const baseUrl = baseUrlOf(request, context.publicUrl)
    const git = context.siteRepository !== undefined
    return reply
      .headers({ 'content-security-policy': pageSecurityPolicy, 'cache-control': 'no-cache' })
      .type('text/html; charset=utf-8')
      .send(renderStatus({ site, commit, baseUrl, health, mirrors, runs, git }))
  })

  app.get('/runs/:run', { schema: { hide: true, params: runParams } }, async (request, reply) => {
    const { run } = request.params
    const [found, log, previews] = await Promise.all([
      controller.run(run),
      controller.runLog(run),
      controller.previews(run),
    ])
    return reply
      .headers({ 'content-security-policy': pageSecurityPolicy, 'cache-control': 'no-cache' })
      .type('text/html; charset=utf-8')
      .send(renderRun({ run: found, log, previews }))
  })

  // Alive: this process answers. Ready: it can also do its work.
  app.get('/healthz', hidden, (_request, reply) => reply.type('text/plain; charset=utf-8').send('ok\n'))
  app.get('/readyz', hidden, async (_request, reply) => {
    const health = await controller.health()
    return reply.status(health.ready ? 200 : 503).send(health)
  })

  app.get('/metrics', hidden, async (_request, reply) => {
    const { contentType, text } = await metrics.render()
    return reply.type(contentType).send(text)
  })
}
