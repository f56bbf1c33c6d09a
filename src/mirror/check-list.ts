import type { Problem } from '../core/index.ts'
import type { FormatGrammar, ListedPackage } from './format.ts'

/**
 * What is wrong with the entries of a list by the grammar of a format. The same list is looked at once: a push and its
 * run ask four times.
 */
export function checkList(
  list: readonly ListedPackage[],
  { checkListed }: Pick<FormatGrammar, 'checkListed'>,
): readonly Problem[] {
  const known = checked.get(list)
  if (known?.by === checkListed) return known.problems
  const problems: Problem[] = []
  for (const listed of list) problems.push(...checkListed(listed))
  checked.set(list, { by: checkListed, problems })
  return problems
}

const checked = new WeakMap<
  readonly ListedPackage[],
  { by: FormatGrammar['checkListed']; problems: readonly Problem[] }
>()
