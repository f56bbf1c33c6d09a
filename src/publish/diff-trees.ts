import { StoredTree } from './stored-tree.ts'
import { formatEntry } from './tree-chunk.ts'
import { comparePaths } from './tree-path.ts'
import type { Tree, TreeEntry } from './tree.ts'

/** One path that differs: `before` alone is removed, `after` alone is added. */
export interface TreeDifference {
  path: string
  before: TreeEntry | undefined
  after: TreeEntry | undefined
}

/** Differences in the order of paths. Chunks that both trees have are not looked into. */
export function* diffTrees(before: Tree, after: Tree): IterableIterator<TreeDifference> {
  const old = entriesNotIn(before, after)
  const fresh = entriesNotIn(after, before)
  let a = old.next()
  let b = fresh.next()
  while (a.done !== true || b.done !== true) {
    const order = a.done === true ? 1 : b.done === true ? -1 : comparePaths(a.value.path, b.value.path)
    const left = order <= 0 ? (a.value as TreeEntry) : undefined
    const right = order >= 0 ? (b.value as TreeEntry) : undefined
    if (left === undefined || right === undefined || formatEntry(left) !== formatEntry(right)) {
      yield { path: (left ?? right)!.path, before: left, after: right }
    }
    if (left !== undefined) a = old.next()
    if (right !== undefined) b = fresh.next()
  }
}

/** Equal chunks hold the same paths, and no path is in two chunks: leaving them out on both sides changes nothing. */
function* entriesNotIn(tree: Tree, other: Tree): IterableIterator<TreeEntry> {
  if (!(tree instanceof StoredTree) || !(other instanceof StoredTree)) {
    yield* tree.entries()
    return
  }
  const shared = new Set(other.chunks.map((chunk) => chunk.digest))
  for (const chunk of tree.chunks) if (!shared.has(chunk.digest)) yield* chunk.entries()
}
