import { LarderError, type Change, type KindContext, type Postponed } from '../core/index.ts'
import type { AnyKind } from './any-kind.ts'
import { readSite } from './site.ts'

/** What one kind wants to change, with what it observed: `stage` needs both. */
export interface KindPlan {
  kind: AnyKind
  observed: unknown
  changes: Change[]
}

/** Branch whose commits a kind follows. */
export function branchOf(kind: AnyKind, desired: unknown): string {
  return kind.branchOf?.(desired) ?? 'main'
}

export interface PlanSiteOptions {
  /** Only kinds that follow this branch. Default: all. */
  branch?: string | undefined
  /** Is told of what cannot be looked at now; the plan is of the rest. Default: then there is no plan. */
  onPostponed?: ((postponed: Postponed) => void) | undefined
}

/**
 * Reads the site and asks every kind for its changes. Changes nothing that anybody could see.
 * SITE_INVALID with every problem of every file in `context.problems`; and whatever the kinds throw.
 */
export async function planSite(
  start: Omit<KindContext, 'site'>,
  kinds: readonly AnyKind[],
  { branch, onPostponed }: PlanSiteOptions = {},
): Promise<{ context: KindContext; plans: KindPlan[] }> {
  const result = await readSite(start.files, kinds)
  if (!('site' in result)) {
    const errors = result.problems.filter((problem) => problem.severity === 'error').length
    throw new LarderError('SITE_INVALID', {
      message: `The files of the site have ${errors === 1 ? 'an error' : `${errors} errors`}.`,
      hint: 'Mend them and push again; `larder check` shows the same list without a push.',
      context: { problems: result.problems },
    })
  }
  for (const warning of result.warnings)
    start.progress.log(`${warning.file}:${warning.line}: warning: ${warning.message}`)
  const context: KindContext = { ...start, site: result.site.sections }
  const plans: KindPlan[] = []
  for (const kind of kinds) {
    const desired = result.site.sections[kind.section] ?? kind.nothing
    if (desired === undefined || (branch !== undefined && branch !== branchOf(kind, desired))) continue
    const observed = await kind.observe(context, desired)
    for (const postponed of kind.postponed?.(observed) ?? []) {
      if (onPostponed === undefined) throw postponed.error
      onPostponed(postponed)
    }
    plans.push({ kind, observed, changes: kind.plan(desired, observed) })
  }
  return { context, plans }
}
