import type { ClosureRequest, ListedForClosure } from './request.ts'

/** Lines that a request has more than an earlier one, which is the same otherwise; undefined when it is not. */
export function addedEntries(before: ClosureRequest, after: ClosureRequest): ListedForClosure[] | undefined {
  if (settingsOf(before) !== settingsOf(after)) return undefined
  const added: ListedForClosure[] = []
  let at = 0
  for (const entry of after.listed) {
    const known = before.listed[at]
    if (known !== undefined && isSameWish(known, entry)) at++
    else added.push(entry)
  }
  return at === before.listed.length ? added : undefined
}

function settingsOf({ recommends = false, base = 'none', exclude = [] }: ClosureRequest): string {
  return JSON.stringify([recommends, base, exclude])
}

function isSameWish(a: ListedForClosure, b: ListedForClosure): boolean {
  return (
    a.name === b.name &&
    a.architecture === b.architecture &&
    a.recommends === b.recommends &&
    a.constraint?.operator === b.constraint?.operator &&
    a.constraint?.version === b.constraint?.version &&
    a.exclude.length === b.exclude.length &&
    a.exclude.every((name, place) => name === b.exclude[place])
  )
}
