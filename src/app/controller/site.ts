import type { Controller } from '../controller.ts'
import type { ControllerContext } from './context.ts'

type SiteMethods = Pick<Controller, 'site' | 'health'>

export function createSiteMethods(context: ControllerContext): SiteMethods {
  return {
    async site() {
      const head = await context.siteHead.current()
      return { name: head?.site.name ?? 'larder', commit: head?.commit }
    },
    health: () => health(context),
  }
}

/** Ready: everything that the site declares is there to be used. */
async function health({ publisher, siteHead }: ControllerContext): ReturnType<Controller['health']> {
  const head = await siteHead.current()
  if (head === undefined) return { ready: true, reasons: ['no site has been pushed yet'] }
  const declared = Object.keys((head.site.sections['mirrors'] as Record<string, unknown> | undefined) ?? {})
  const reasons: string[] = []
  for (const mirror of declared) {
    if ((await publisher.current(mirror)) === undefined) reasons.push(`mirror ${mirror} is not published yet`)
  }
  return { ready: reasons.length === 0, reasons }
}
