import { readTree } from '../../publish/index.ts'
import { openEntry } from '../open-entry.ts'
import type { Controller } from '../controller.ts'
import { formatOf, requireMirror } from './mirrors.ts'
import type { ControllerContext } from './context.ts'

type ServingMethods = Pick<Controller, 'published' | 'publishedFolder' | 'publicKey' | 'clientSetup'>

/** What clients of the published mirrors are given. */
export function createServingMethods(context: ControllerContext): ServingMethods {
  const { publisher, store } = context
  return {
    async published(_format, mirror, path) {
      const found = await publisher.lookup(mirror, path)
      if (found === undefined) return undefined
      return { entry: found.entry, modifiedAt: found.modifiedAt, ...openEntry(store, found.entry) }
    },
    async publishedFolder(_format, mirror, path) {
      const publication = await publisher.current(mirror)
      if (publication === undefined) return undefined
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

function childrenOf(tree: { entries(): IterableIterator<{ path: string }> }, folder: string): string[] | undefined {
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
