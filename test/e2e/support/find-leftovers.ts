import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { hexOf, systemClock, type Clock, type Digest } from '../../../src/core/index.ts'
import { readTree } from '../../../src/publish/index.ts'
import { createCache, type State } from '../../../src/state/index.ts'
import { dataFolderAt } from '../../../src/app/data-folder.ts'
import { openLarder } from '../../../src/app/open-larder.ts'

/**
 * Collects garbage as it will be done some days from now, then compares what lies in the store with what publications,
 * snapshots and the cache refer to. Answers with the paths of files that are left over or missing, and with what
 * a look at every published byte finds. No controller may run.
 */
export async function findLeftovers(folder: string): Promise<string[]> {
  const larder = await openLarder({
    dataFolder: dataFolderAt(folder, {}),
    clock: inTwoDays,
    logLevel: 'warn',
    environment: {},
  })
  try {
    await larder.controller.collectGarbage()
    const expected = new Map<string, string>()
    for (const tree of await keptTrees(larder.context.state)) {
      for (const digest of (await readTree(larder.context.store, tree)).blobs()) {
        expected.set(blobPath(hexOf(digest)), 'a tree')
      }
    }
    for await (const digest of createCache(larder.context.state, inTwoDays).roots())
      expected.set(blobPath(hexOf(digest)), 'the cache')
    const found = new Set([...(await filesBelow(folder, 'blobs')), ...(await filesBelow(folder, 'uploads'))])
    const findings = [
      ...[...found].filter((path) => !expected.has(path)).map((path) => `left over: ${path}`),
      ...[...expected].filter(([path]) => !found.has(path)).map(([path, user]) => `missing: ${path} of ${user}`),
    ]
    for (const { name } of await larder.controller.mirrors()) {
      findings.push(...(await larder.controller.verify(name)).map(({ message }) => message))
    }
    return findings
  } finally {
    await larder.close()
  }
}

const inTwoDays: Clock = { ...systemClock, now: () => new Date(systemClock.now().getTime() + 2 * 86_400_000) }

async function keptTrees({ db }: State): Promise<Digest[]> {
  const snapshots = await db.selectFrom('snapshots').select('tree').execute()
  const publications = await db.selectFrom('publications').select('tree').execute()
  return [...new Set([...snapshots, ...publications].map((row) => row.tree as Digest))]
}

function blobPath(hex: string): string {
  return `blobs/sha256/${hex.slice(0, 2)}/${hex}`
}

async function filesBelow(folder: string, name: string): Promise<string[]> {
  const entries = await readdir(join(folder, name), { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)))
}
