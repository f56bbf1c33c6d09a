/** Rows of all upstreams of a mirror, of which several may have files under one name and version. */
interface Rows {
  readonly disagreements: readonly { kept: number; dropped: number }[]
  member(row: number): { upstream: string }
  describe(row: number): string
}

/** Where another upstream has another file under the same name and version: of what is held. */
export function* noteDisagreements(universe: Rows, rows: Iterable<number>): Generator<string> {
  if (universe.disagreements.length === 0) return
  const held = new Set(rows)
  for (const { kept, dropped } of universe.disagreements) {
    if (!held.has(kept)) continue
    const [first, second] = [universe.member(kept).upstream, universe.member(dropped).upstream]
    yield `${universe.describe(kept)} is another file in ${second} than in ${first}: the one of ${first} is taken`
  }
}
