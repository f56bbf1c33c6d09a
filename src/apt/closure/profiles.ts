import type { Universe } from '../universe.ts'
import type { ClosureRequest, ListedForClosure } from './request.ts'
import type { Profile } from './selection.ts'

/** Gives listed packages with the same options the same profile. Number 0 is the mirror's own. */
export class Profiles {
  readonly all: (Profile & { excluded: ReadonlySet<string> })[] = []
  private readonly universe: Universe
  private readonly request: ClosureRequest
  private readonly numbers = new Map<string, number>()

  constructor(universe: Universe, request: ClosureRequest) {
    this.universe = universe
    this.request = request
    this.numberOf({ exclude: [] })
  }

  numberOf({ recommends, exclude }: Pick<ListedForClosure, 'recommends' | 'exclude'>): number {
    const isPlain = exclude.length === 0 && (recommends ?? this.request.recommends ?? false) === this.all[0]?.recommends
    if (isPlain) return 0
    const follows = recommends ?? this.request.recommends ?? false
    const excluded = [...new Set([...(this.request.exclude ?? []), ...exclude])].sort()
    const key = JSON.stringify([follows, excluded])
    const known = this.numbers.get(key)
    if (known !== undefined) return known
    this.numbers.set(key, this.all.length)
    return this.all.push(this.create(follows, new Set(excluded))) - 1
  }

  private create(recommends: boolean, excluded: ReadonlySet<string>): Profile & { excluded: ReadonlySet<string> } {
    const isBarred = new Uint8Array(this.universe.rowCount)
    for (const name of excluded) for (const row of this.universe.rowsNamed(name)) isBarred[row] = 1
    return { recommends, excluded, isBarred, unsatisfied: new Map() }
  }
}
