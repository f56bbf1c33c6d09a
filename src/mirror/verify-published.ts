import { isLarderError, type Digest, type Finding } from '../core/index.ts'
import { diffTrees, readTree, type Publisher, type Tree } from '../publish/index.ts'
import type { BlobStore } from '../store/index.ts'

/**
 * Looks whether the bytes are there of all that clients are now promised. `since`: a tree whose content was looked at
 * before, so that only what differs is looked at; undefined: everything.
 */
export async function verifyPublished(
  { publisher, store }: { publisher: Publisher; store: BlobStore },
  mirror: string,
  since: Digest | undefined,
): Promise<Finding[]> {
  const current = await publisher.current(mirror)
  if (current === undefined) return [missing(mirror, 'nothing is published')]
  const findings: Finding[] = []
  for (const path of await changedPaths(store, since, current.tree)) {
    const found = await publisher.lookup(mirror, path)
    if (found === undefined) continue
    const blobs = found.entry.parts?.map((part) => part.digest) ?? [found.entry.digest]
    for (const blob of blobs) {
      if (!(await store.has(blob)))
        findings.push(missing(mirror, `${path} is published, but its bytes are not in the store`))
    }
  }
  return findings
}

async function changedPaths(store: BlobStore, before: Digest | undefined, after: Digest): Promise<string[]> {
  const afterTree = await readTree(store, after)
  const beforeTree = before && (await treeIfReadable(store, before))
  if (beforeTree === undefined) return [...afterTree.entries()].map((entry) => entry.path)
  const differences = diffTrees(beforeTree, afterTree)
  return [...differences].flatMap(({ path, after: entry }) => (entry === undefined ? [] : [path]))
}

async function treeIfReadable(store: BlobStore, digest: Digest): Promise<Tree | undefined> {
  try {
    return await readTree(store, digest)
  } catch (error) {
    if (isLarderError(error, 'BLOB_MISSING', 'BLOB_DAMAGED')) return undefined
    throw error
  }
}

function missing(mirror: string, message: string): Finding {
  return { severity: 'error', subject: `mirror ${mirror}`, message, hint: `larder mirror verify ${mirror}` }
}
