import { isPoolPath } from './pool-path.ts'
import { placeAt, type PlacedPackage } from './placed-package.ts'
import type { RepositoryPackage } from './repository-package.ts'

/**
 * How the packages of a mirror were placed the last time. While each has the path that its upstream gave it and none
 * shares it, as nearly always, where a package lies does not depend on the others: then only what is new is placed.
 */
export class PlacedBefore {
  #placed: readonly PlacedPackage[] = []
  #defaultComponent = ''
  /** Undefined unless all paths are the upstream's and no two are equal. */
  #paths: Set<string> | undefined

  remember(placed: readonly PlacedPackage[], defaultComponent: string): void {
    this.#placed = placed
    this.#defaultComponent = defaultComponent
    const isPlain = placed.every((item) => !item.isShared && item.path === item.source.filename)
    this.#paths = isPlain ? new Set(placed.map((item) => item.path)) : undefined
  }

  /** `sorted` placed, or undefined when the others must be looked at too. */
  placeAgain(sorted: readonly RepositoryPackage[], defaultComponent: string): readonly PlacedPackage[] | undefined {
    const paths = this.#paths
    if (paths === undefined || defaultComponent !== this.#defaultComponent) return undefined
    const { placed, gone, come } = this.#reuse(sorted)
    const freed = new Set(gone.map((item) => item.path))
    const taken = new Set<string>()
    for (const index of come) {
      const { filename } = sorted[index]!
      const isFree = !taken.has(filename) && (freed.has(filename) || !paths.has(filename))
      if (!isFree || !isPoolPath(filename)) return undefined
      taken.add(filename)
    }
    for (const path of freed) paths.delete(path)
    for (const index of come) {
      const source = sorted[index]!
      paths.add(source.filename)
      placed[index] = placeAt(source, { path: source.filename, isShared: false, defaultComponent })
    }
    this.#placed = placed
    return placed
  }

  /** Walks both in the order of names. `come`: places in `sorted` that are empty in `placed`. */
  #reuse(sorted: readonly RepositoryPackage[]): { placed: PlacedPackage[]; gone: PlacedPackage[]; come: number[] } {
    const placed = new Array<PlacedPackage>(sorted.length)
    const gone: PlacedPackage[] = []
    const come: number[] = []
    const before = this.#placed
    let left = 0
    for (let right = 0; right < sorted.length; right++) {
      const source = sorted[right]!
      while (left < before.length && before[left]!.source !== source && isBefore(before, left, source))
        gone.push(before[left++]!)
      if (before[left]?.source === source) placed[right] = before[left++]!
      else come.push(right)
    }
    while (left < before.length) gone.push(before[left++]!)
    return { placed, gone, come }
  }
}

/** Within a name, only what stays is passed over. */
function isBefore(before: readonly PlacedPackage[], at: number, source: RepositoryPackage): boolean {
  const { name } = before[at]!
  if (name !== source.name) return name < source.name
  for (let next = at + 1; before[next]?.name === name; next++) if (before[next]!.source === source) return true
  return false
}
