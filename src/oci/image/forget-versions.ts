import { isLarderError } from '../../core/index.ts'
import { proofTag } from '../proof/artifact.ts'
import { type OciDigest, parseRepositoryName, type RepositoryName } from '../reference.ts'
import { listedManifests } from '../registry/listed-manifests.ts'
import type { Registry } from '../registry/registry.ts'
import type { ImageBuild, ImageBuilds } from './image-builds.ts'

/** Builds of one image that are looked at. */
const mostBuilds = 100_000

/**
 * Removes the tags of all but the newest versions that Larder built of each image, and what was said about them. Tags
 * that others pushed are theirs.
 */
export async function forgetOldVersions(
  { registry, builds }: { registry: Registry; builds: ImageBuilds },
  keep: number,
): Promise<void> {
  for (const image of await builds.images()) {
    const published = (await builds.list(image, mostBuilds)).filter(({ state }) => state === 'published')
    const kept = new Set([...new Set(published.map(({ version }) => version))].slice(0, keep))
    const old = published.filter(({ version }) => !kept.has(version))
    if (old.length === 0) continue
    const repository = parseRepositoryName(image)
    const digests = published.flatMap(({ version, digest }) =>
      kept.has(version) && digest !== undefined ? [digest] : [],
    )
    const needed = await Promise.all([...new Set(digests)].map((digest) => withImages(registry, repository, digest)))
    for (const build of old) await forget(registry, build, new Set(needed.flat()))
  }
}

async function forget(registry: Registry, build: ImageBuild, needed: ReadonlySet<string>): Promise<void> {
  const repository = parseRepositoryName(build.image)
  const found = await registry.manifest(repository, { tag: build.version })
  if (found === undefined || found.digest !== build.digest) return
  const about = (await withImages(registry, repository, found.digest)).filter((digest) => !needed.has(digest))
  const proofs = about.flatMap((digest) => [proofTag(digest, 'sig'), proofTag(digest, 'att')])
  for (const tag of [build.version, ...proofs]) {
    await registry.removeManifest(repository, { tag }).catch((error: unknown) => {
      if (!isLarderError(error, 'OCI_MANIFEST_UNKNOWN')) throw error
    })
  }
}

/** What proofs may be about: the manifest of a version, and those of an index for several platforms. */
async function withImages(registry: Registry, repository: RepositoryName, digest: OciDigest): Promise<string[]> {
  const info = await registry.manifest(repository, { digest })
  const listed = info === undefined ? [] : await listedManifests(registry, repository, info)
  return [digest, ...listed.map((one) => one.digest)]
}
