import { isLarderError, problemsIn, type KindContext, type Problem } from '../core/index.ts'
import type { AnyKind } from './any-kind.ts'
import type { FaultySite } from './site.ts'

/**
 * What kinds find wrong when they look at what is right of a site with errors: names that no upstream has, for one, so
 * that everything is told at once. What keeps them from looking is passed over, as the site is refused in any case.
 * CANCELLED.
 */
export async function problemsOfRest(
  start: Omit<KindContext, 'site' | 'siteName'>,
  kinds: readonly AnyKind[],
  { name, rest }: FaultySite,
): Promise<Problem[]> {
  const context: KindContext = { ...start, site: rest, siteName: name ?? '' }
  const found: Problem[] = []
  for (const kind of kinds) {
    const desired = rest[kind.section]
    if (kind.plansInPart !== true || desired === undefined) continue
    try {
      kind.plan(desired, await kind.observe(context, desired))
    } catch (error) {
      if (!isLarderError(error) || start.signal.aborted) throw error
      found.push(...problemsIn(error))
    }
  }
  return found
}
