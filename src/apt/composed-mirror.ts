import type { Digest } from '../core/index.ts'
import { withEntries, writeTree, type Tree, type TreeEntry } from '../publish/index.ts'
import type { BlobStore, LeaseId } from '../store/index.ts'
import { PlacedBefore, poolEntries, type PlacedPackage, type RepositoryParts } from './repository/index.ts'
import type { AptResolution } from './format.ts'
import { RowPackage } from './row-package.ts'
import type { Universe } from './universe.ts'

/** What stays in memory of a mirror's last composition, so that the next costs what differs from it. */
export class ComposedMirror {
  readonly before = new PlacedBefore()
  #universe: WeakRef<Universe> | undefined
  #rows: Uint32Array = new Uint32Array()
  #packages: readonly RowPackage[] = []
  #tree: Tree | undefined
  #parts: Pick<RepositoryParts, 'packages' | 'files'> = { packages: [], files: [] }

  /** Whether this tree is what was composed last. */
  isOf(tree: Digest | undefined): boolean {
    return tree !== undefined && this.#tree?.digest === tree
  }

  /** The packages of a resolution; those that the last one had in the same universe are the objects of then. */
  packages(universe: Universe, { binaries, rows }: Pick<AptResolution, 'binaries' | 'rows'>): readonly RowPackage[] {
    const known = this.#universe?.deref() === universe ? this.#packages : []
    const placeOf = new Uint32Array(universe.rowCount)
    for (let place = 0; place < known.length; place++) placeOf[this.#rows[place]!] = place + 1
    const packages = new Array<RowPackage>(rows.length)
    for (let place = 0; place < rows.length; place++) {
      const [row, one] = [rows[place]!, binaries[place]!]
      const same = known[placeOf[row]! - 1]
      packages[place] = same?.package === one ? same : new RowPackage(universe, one, row)
    }
    this.#universe = new WeakRef(universe)
    this.#rows = rows
    this.#packages = packages
    return packages
  }

  /** `isKept`: a snapshot keeps the last tree, so that the next may be made of it. DISK_FULL. */
  async writeTree(store: BlobStore, lease: LeaseId, parts: RepositoryParts, isKept: boolean): Promise<Tree> {
    const { packages, files } = parts
    const tree =
      isKept && this.#tree !== undefined
        ? await withEntries(store, lease, this.#tree, this.#changes(packages, files))
        : await writeTree(store, lease, [...poolEntries(packages), ...files])
    this.#tree = tree
    this.#parts = { packages, files }
    return tree
  }

  /** A path that goes and comes is set: `withEntries` says so. */
  #changes(packages: readonly PlacedPackage[], files: readonly TreeEntry[]): { set: TreeEntry[]; remove: string[] } {
    const { gone, come } = unshared(this.#parts.packages, packages)
    const remove = [...poolEntries(gone), ...this.#parts.files].map((entry) => entry.path)
    return { set: [...poolEntries(come), ...files], remove }
  }
}

/** What only one of two lists has, which are in the same order of names. */
function unshared(
  before: readonly PlacedPackage[],
  after: readonly PlacedPackage[],
): { gone: PlacedPackage[]; come: PlacedPackage[] } {
  const gone: PlacedPackage[] = []
  const come: PlacedPackage[] = []
  let [left, right] = [0, 0]
  while (left < before.length || right < after.length) {
    const [old, young] = [before[left], after[right]]
    if (old === young) {
      left++
      right++
    } else if (young === undefined || (old !== undefined && old.name <= young.name)) {
      gone.push(old!)
      left++
    } else {
      come.push(young)
      right++
    }
  }
  return { gone, come }
}
