import { setImmediate } from 'node:timers/promises'
import { isLarderError, type Digest } from '../../../core/index.ts'
import { diffTrees, readTree, type Preview, type Tree } from '../../../publish/index.ts'
import type { ControllerContext } from '../../controller/context.ts'
import type { Ailment, DoctorCheck } from '../check.ts'

const hourMs = 3600_000
const statsAtOnce = 64

/** What pull requests would publish is whole, and goes when its time is over. A damaged one keeps gc from working. */
export const previewsCheck: DoctorCheck = {
  name: 'previews',
  async look({ context, signal }) {
    const now = context.clock.now().getTime()
    const found: Ailment[] = []
    const bases = new Map<string, Tree | undefined>()
    for (const preview of await context.previews.list()) {
      signal.throwIfAborted()
      const { mirror } = preview
      if (!bases.has(mirror)) bases.set(mirror, await publishedTree(context, mirror))
      const isOver = preview.expiresAt.getTime() + hourMs < now
      const wrong = isOver ? 'has expired and is still there' : await lookAt(context, preview, bases.get(mirror))
      if (wrong !== undefined) found.push(ailing(context, preview, wrong))
    }
    return found
  },
}

/** Undefined: there is none, or it cannot be read, which is told elsewhere. */
async function publishedTree({ publisher, store }: ControllerContext, mirror: string): Promise<Tree | undefined> {
  const current = await publisher.current(mirror)
  const tree = current && (await readOrWhy(store, current.tree))
  return typeof tree === 'string' ? undefined : tree
}

/** What is wrong with it. What the publication has as well is looked at there. */
async function lookAt({ store }: ControllerContext, { tree }: Preview, base?: Tree): Promise<string | undefined> {
  const content = await readOrWhy(store, tree)
  if (typeof content === 'string') return `has a list of files that cannot be read: ${content}`
  const wanted = new Map<Digest, string>()
  for (const { path, digest, parts } of entriesOf(content, base)) {
    for (const part of parts ?? [{ digest }]) wanted.set(part.digest, path)
  }
  const all = [...wanted]
  for (let start = 0; start < all.length; start += statsAtOnce) {
    const some = all.slice(start, start + statsAtOnce)
    const stats = await Promise.all(some.map(([digest]) => store.stat(digest)))
    const missing = some[stats.findIndex((stat) => stat === undefined)]
    if (missing !== undefined) return `lacks ${missing[1]}: blob ${missing[0]} is not in the store`
    // Looks hold the loop, and a tree may have 100,000 files.
    await setImmediate()
  }
  return undefined
}

function entriesOf(content: Tree, base: Tree | undefined) {
  if (base === undefined) return [...content.entries()]
  return [...diffTrees(base, content)].flatMap(({ after }) => (after === undefined ? [] : [after]))
}

async function readOrWhy(store: ControllerContext['store'], digest: Digest): Promise<Tree | string> {
  try {
    return await readTree(store, digest)
  } catch (error) {
    if (isLarderError(error, 'BLOB_MISSING', 'BLOB_DAMAGED')) return error.message
    throw error
  }
}

function ailing({ previews }: ControllerContext, { runId, mirror }: Preview, wrong: string): Ailment {
  return {
    severity: 'warning',
    subject: `mirror ${mirror}`,
    message: `The preview of ${mirror} that run ${runId} made ${wrong}.`,
    hint: 'The previews of the run are removed; the next push to the pull request makes new ones.',
    mend: async () => {
      await previews.remove([runId])
    },
  }
}
