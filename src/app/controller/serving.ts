import { readTree } from '../../publish/index.ts'
import type { Controller } from '../controller.ts'
import { openEntry } from '../open-entry.ts'
import type { ControllerContext } from './context.ts'
import { formatOf, requireMirror } from './mirrors.ts'

type ServingMethods = Pick<Controller, 'published' | 'publishedFolder' | 'publicKey' | 'clientSetup'>

/** What clients of the published mirrors are given. */
export function createServingMethods(context: ControllerContext): ServingMethods {
  const { publisher, store } = context
  const isOf = createFormatMemory(context)
  return {
    async published(format, mirror, path) {
      const found = await publisher.lookup(mirror, path)
      if (found === undefined || !(await isOf(format, mirror))) return undefined
      return { entry: found.entry, modifiedAt: found.modifiedAt, ...openEntry(store, found.entry) }
    },
    async publishedFolder(format, mirror, path) {
      const publication = await publisher.current(mirror)
      if (publication === undefined || !(await isOf(format, mirror))) return undefined
      return childrenOf(await readTree(store, publication.tree), path)
    },
    async publicKey(mirror) {
      await requireMirror(context, mirror)
      return (await context.signingKey(mirror)).publicKeyArmored
    },
    async clientSetup(mirror, baseUrl) {
      await requireMirror(context, mirror)
      const format = await formatOf(context, mirror)
      const publication = await publisher.current(mirror)
      const snapshot = publication && (await publisher.snapshot(mirror, publication.snapshotNumber))
      const { publicKeyArmored } = await context.signingKey(mirror)
      return format.clientSetup({ mirror, baseUrl, publicKeyArmored, meta: snapshot?.meta })
    },
  }
}

/** Whether what clients see of a mirror is of a format. Without a question to the database while it stays the same. */
function createFormatMemory(context: ControllerContext): (format: string, mirror: string) => Promise<boolean> {
  const known = new Map<string, { snapshotNumber: number; format: string }>()
  return async (format, mirror) => {
    const snapshotNumber = (await context.publisher.current(mirror))?.snapshotNumber ?? 0
    const last = known.get(mirror)
    if (last?.snapshotNumber === snapshotNumber) return last.format === format
    const { name } = await formatOf(context, mirror)
    known.set(mirror, { snapshotNumber, format: name })
    return name === format
  }
}

export function childrenOf(
  tree: { entries(): IterableIterator<{ path: string }> },
  folder: string,
): string[] | undefined {
  const prefix = folder === '' ? '' : `${folder.replace(/\/+$/, '')}/`
  const names = new Set<string>()
  for (const { path } of tree.entries()) {
    if (!path.startsWith(prefix)) continue
    const rest = path.slice(prefix.length)
    const slash = rest.indexOf('/')
    names.add(slash === -1 ? rest : rest.slice(0, slash + 1))
  }
  return names.size === 0 ? undefined : [...names].sort()
}
