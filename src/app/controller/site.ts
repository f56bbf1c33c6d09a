import { randomUUID } from 'node:crypto'
import { mirrorsOf } from '../../mirror/index.ts'
import { planSite } from '../../pipeline/index.ts'
import type { Controller } from '../controller.ts'
import type { ControllerContext } from './context.ts'

type SiteMethods = Pick<Controller, 'site' | 'planFiles' | 'health'>

export function createSiteMethods(context: ControllerContext): SiteMethods {
  return {
    async site() {
      const head = await context.siteHead.current()
      return { name: head?.site.name ?? 'larder', commit: head?.commit }
    },
    planFiles: (files, options) => planFiles(context, files, options),
    health: () => health(context),
  }
}

const longestPlanMs = 1800_000

/** As a push is checked: what is fetched for it is let go when it is done. */
async function planFiles(
  { kinds, clock, leases, stopping }: ControllerContext,
  ...[files, { progress, signal }]: Parameters<Controller['planFiles']>
): ReturnType<Controller['planFiles']> {
  const runId = `plan-${randomUUID()}`
  const until = [AbortSignal.timeout(longestPlanMs), stopping, ...(signal === undefined ? [] : [signal])]
  const start = { files, clock, progress, signal: AbortSignal.any(until), runId, freshForMs: 0 }
  try {
    const { plans } = await planSite({ ...start, trust: 'trusted' }, kinds)
    return plans
      .flatMap(({ changes }) => changes)
      .map(({ subject, action, summary, detail }) => ({ subject, action, summary, detail }))
  } finally {
    await leases.release(await leases.acquire(`run/${runId}`))
  }
}

/** Ready: everything that the site declares is there to be used. */
async function health({ publisher, siteHead }: ControllerContext): ReturnType<Controller['health']> {
  const head = await siteHead.current()
  if (head === undefined) return { ready: true, reasons: ['no site has been pushed yet'] }
  const declared = Object.keys(mirrorsOf(head.site.sections))
  const reasons: string[] = []
  for (const mirror of declared) {
    if ((await publisher.current(mirror)) === undefined) reasons.push(`mirror ${mirror} is not published yet`)
  }
  return { ready: reasons.length === 0, reasons }
}
