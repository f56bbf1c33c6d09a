import {
  formatProblem,
  LarderError,
  sortProblems,
  type Change,
  type KindContext,
  type Postponed,
  type Problem,
} from '../core/index.ts'
import type { AnyKind } from './any-kind.ts'
import { problemsOfRest } from './plan-rest.ts'
import { readSite, type Site } from './site.ts'

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
  /** Only kinds of these sections. Default: all. */
  sections?: readonly string[] | undefined
  /** Is told of what cannot be looked at now; the plan is of the rest. Default: then there is no plan. */
  onPostponed?: ((postponed: Postponed) => void) | undefined
  /** Is waited for when it is known which kinds the plan is about, before any of them is looked at. */
  onRead?: ((kinds: readonly AnyKind[]) => Promise<void>) | undefined
}

/**
 * Reads the site and asks every kind for its changes. Changes nothing that anybody could see.
 * SITE_INVALID with every problem of every file in `context.problems`; and whatever the kinds throw.
 */
export async function planSite(
  start: Omit<KindContext, 'site' | 'siteName'>,
  kinds: readonly AnyKind[],
  { onPostponed, onRead, ...limits }: PlanSiteOptions = {},
): Promise<{ context: KindContext; plans: KindPlan[] }> {
  const result = await readSite(start.files, kinds)
  if (!('site' in result)) throw siteInvalid([...result.problems, ...(await problemsOfRest(start, kinds, result))])
  for (const warning of result.warnings) start.progress.log(formatProblem(warning))
  const context: KindContext = { ...start, site: result.site.sections, siteName: result.site.name }
  const asked = kindsAskedFor(kinds, result.site, limits)
  await onRead?.(asked.map(({ kind }) => kind))
  const plans: KindPlan[] = []
  for (const { kind, desired } of asked) {
    const planned = plans.flatMap(({ changes }) => changes)
    const observed = await kind.observe({ ...context, planned }, desired)
    for (const postponed of kind.postponed?.(observed) ?? []) {
      if (onPostponed === undefined) throw postponed.error
      onPostponed(postponed)
    }
    plans.push({ kind, observed, changes: kind.plan(desired, observed) })
  }
  return { context, plans }
}

function siteInvalid(found: readonly Problem[]): LarderError {
  const problems = sortProblems(found)
  const errors = problems.filter(({ severity }) => severity === 'error').length
  return new LarderError('SITE_INVALID', {
    message: `The files of the site have ${errors === 1 ? 'an error' : `${errors} errors`}.`,
    hint: 'Mend them and push again; `larder check` shows the same list without a push.',
    context: { problems },
  })
}

function kindsAskedFor(
  kinds: readonly AnyKind[],
  { sections: declared }: Site,
  { branch, sections }: Pick<PlanSiteOptions, 'branch' | 'sections'>,
): { kind: AnyKind; desired: unknown }[] {
  return kinds
    .filter(({ section }) => sections?.includes(section) ?? true)
    .map((kind) => ({ kind, desired: declared[kind.section] ?? kind.nothing }))
    .filter(({ desired }) => desired !== undefined)
    .filter(({ kind, desired }) => branch === undefined || branch === branchOf(kind, desired))
}
