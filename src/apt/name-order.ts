import type { NameTable } from './closure/name-table.ts'

/**
 * By number of a name, its place in code-unit order among the names that are asked for. To sort all names of a
 * distribution takes 40 ms, for a closure that has a few hundred of them: then only these are sorted, and the answer
 * is not to be kept.
 */
export class NameOrder {
  readonly #names: NameTable
  #all: Uint32Array | undefined

  constructor(names: NameTable) {
    this.#names = names
  }

  /** `nameOf`: number of the name, by row. */
  of(rows: Uint32Array, nameOf: Uint32Array): Uint32Array {
    if (this.#all !== undefined) return this.#all
    const { count } = this.#names
    if (rows.length * 8 < count) return this.#sort(new Set(Array.from(rows, (row) => nameOf[row]!)))
    this.#all = this.#sort(Uint32Array.from({ length: count }, (_, id) => id))
    return this.#all
  }

  #sort(ids: Iterable<number>): Uint32Array {
    const names = this.#names
    const sorted = Uint32Array.from(ids).sort((a, b) => (names.text(a) < names.text(b) ? -1 : 1))
    const order = new Uint32Array(names.count)
    for (let place = 0; place < sorted.length; place++) order[sorted[place]!] = place
    return order
  }
}
