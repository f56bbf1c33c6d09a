import type { Universe } from '../universe.ts'
import type { ClosureRequest, ListedForClosure } from './request.ts'

/** What listed packages that are treated alike have in common. */
export interface Profile {
  /** Names the profile, and gives profiles an order. */
  key: string
  /** Whether Recommends and Supplements are followed. */
  recommends: boolean
  excluded: ReadonlySet<string>
}

export function profileOf(
  request: ClosureRequest,
  { recommends, exclude }: Pick<ListedForClosure, 'recommends' | 'exclude'>,
): Profile {
  const follows = recommends ?? request.recommends ?? false
  const excluded = [...new Set([...(request.exclude ?? []), ...exclude])].sort()
  return { key: JSON.stringify([follows, excluded]), recommends: follows, excluded: new Set(excluded) }
}

/** 1 for rows that are not to be taken. */
export function barredRows(universe: Universe, { excluded }: Profile, hidden: Uint8Array): Uint8Array {
  const isBarred = hidden.slice()
  for (const name of excluded) for (const row of universe.rowsNamed(name)) isBarred[row] = 1
  return isBarred
}
