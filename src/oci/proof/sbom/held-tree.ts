interface Branch<T> {
  entries: Map<string, Branch<T>>
  /** What is held here, with the layer that it is from. */
  held: { value: T; layer: number } | undefined
}

/** What is wanted of a root that grows layer by layer; of the rest nothing is known. Paths have no leading slash. */
export class HeldTree<T> {
  readonly #root: Branch<T> = makeBranch()

  put(path: string, value: T, layer: number): void {
    let branch = this.#root
    for (const name of path.split('/')) {
      const next = branch.entries.get(name) ?? makeBranch<T>()
      branch.entries.set(name, next)
      branch = next
    }
    branch.held = { value, layer }
  }

  get(path: string): T | undefined {
    return this.#find(path)?.held?.value
  }

  /** Something that is no folder comes there: whatever layers before this one have there, or below, is gone. */
  hide(path: string, layer: number): void {
    const branch = this.#find(path)
    if (branch !== undefined) prune(branch, layer)
  }

  /** As hide, but the folder itself stays. */
  hideEntries(path: string, layer: number): void {
    const branch = path === '' ? this.#root : this.#find(path)
    for (const entry of branch?.entries.values() ?? []) prune(entry, layer)
  }

  /** In the order of their paths. */
  *values(branch: Branch<T> = this.#root): Generator<T> {
    if (branch.held !== undefined) yield branch.held.value
    const entries = [...branch.entries].sort(([left], [right]) => (left < right ? -1 : 1))
    for (const [, entry] of entries) yield* this.values(entry)
  }

  #find(path: string): Branch<T> | undefined {
    let branch: Branch<T> | undefined = this.#root
    for (let at = 0; branch !== undefined && at <= path.length;) {
      const slash = path.indexOf('/', at)
      const end = slash < 0 ? path.length : slash
      branch = branch.entries.get(path.slice(at, end))
      at = end + 1
    }
    return branch
  }
}

function makeBranch<T>(): Branch<T> {
  return { entries: new Map(), held: undefined }
}

function prune<T>(branch: Branch<T>, layer: number): void {
  if (branch.held !== undefined && branch.held.layer < layer) branch.held = undefined
  for (const [name, entry] of branch.entries) {
    prune(entry, layer)
    if (entry.held === undefined && entry.entries.size === 0) branch.entries.delete(name)
  }
}
