import { isLarderError, type Digest, type LarderError } from '../../core/index.ts'
import { readTree, type Tree } from '../../publish/index.ts'
import type { ControllerContext } from '../controller/context.ts'

/** A tree that a publication or a snapshot keeps. */
export interface KeptTree {
  mirror: string
  /** `the publication of base`, `generation 4 of base`, `base@3`. */
  title: string
  /** Clients are served from it. */
  isCurrent: boolean
  /** Or why it cannot be read. */
  content: Tree | LarderError
}

/** All trees of all mirrors, what clients see first; each tree once. */
export async function keptTrees(context: ControllerContext): Promise<KeptTree[]> {
  const rows = await context.state.db.selectFrom('snapshots').select('mirror').distinct().orderBy('mirror').execute()
  const all = (await Promise.all(rows.map(({ mirror }) => treesOf(context, mirror)))).flat()
  const seen = new Set<Digest>()
  const kept: KeptTree[] = []
  for (const { tree, ...rest } of all.toSorted((a, b) => Number(b.isCurrent) - Number(a.isCurrent))) {
    if (seen.has(tree)) continue
    seen.add(tree)
    kept.push({ ...rest, content: await read(context, tree) })
  }
  return kept
}

async function treesOf(
  { publisher }: ControllerContext,
  mirror: string,
): Promise<(Omit<KeptTree, 'content'> & { tree: Digest })[]> {
  const current = await publisher.current(mirror)
  const generations = (await publisher.publications(mirror)).map(({ generation, tree }) => {
    const isCurrent = generation === current?.generation
    return {
      mirror,
      isCurrent,
      tree,
      title: isCurrent ? `the publication of ${mirror}` : `generation ${generation} of ${mirror}`,
    }
  })
  const snapshots = (await publisher.snapshots(mirror)).map(({ number, tree }) => {
    return { mirror, isCurrent: false, tree, title: `${mirror}@${number}` }
  })
  return [...generations, ...snapshots]
}

async function read({ store }: ControllerContext, tree: Digest): Promise<Tree | LarderError> {
  try {
    return await readTree(store, tree)
  } catch (error) {
    if (isLarderError(error, 'BLOB_MISSING', 'BLOB_DAMAGED')) return error
    throw error
  }
}
