import { silentProgress, type Change, type KindContext } from '../core/index.ts'
import { machinesOf, observeMachines, type ObservedMachine } from '../fleet/index.ts'
import type { ControllerContext } from './controller/context.ts'

/** What a look asks. */
interface LookOptions {
  /** Default: all that are declared. */
  names?: readonly string[] | undefined
  /** What counts as published a moment ago: `mirror base`. Default: nothing. */
  renewed?: readonly string[]
}

/** Machines of main as a run would find them now; none where there is no main. Nothing is changed or remembered. */
export async function lookAtMachines(
  context: ControllerContext,
  { names, renewed = [] }: LookOptions = {},
): Promise<readonly ObservedMachine[]> {
  const look = await lookContext(context, renewed)
  if (look === undefined) return []
  const declared = machinesOf(look.site)
  const options = { ...context.fleet.options, limitOf: async () => names }
  return (await observeMachines(options, look, declared)).machines
}

/** What kinds are handed to look at main now; undefined where there is no main. `renewed`: see LookOptions. */
export async function lookContext(
  { siteHead, clock, stopping }: ControllerContext,
  renewed: readonly string[] = [],
): Promise<KindContext | undefined> {
  const head = await siteHead.current()
  return (
    head && {
      files: head.files,
      clock,
      progress: silentProgress,
      signal: stopping,
      site: head.site.sections,
      siteName: head.site.name,
      runId: 'look',
      freshForMs: 0,
      planned: renewed.map((subject): Change => ({ subject, action: 'update', summary: '', detail: null })),
      trust: 'trusted',
    }
  )
}
