import { isLarderError } from '../../core/index.ts'
import { proofTag } from '../proof/artifact.ts'
import { parseRepositoryName } from '../reference.ts'
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
    const keptDigests = new Set(published.filter(({ version }) => kept.has(version)).map(({ digest }) => digest))
    for (const build of published) if (!kept.has(build.version)) await forget(registry, build, keptDigests)
  }
}

async function forget(
  registry: Registry,
  build: ImageBuild,
  keptDigests: ReadonlySet<string | undefined>,
): Promise<void> {
  const repository = parseRepositoryName(build.image)
  const found = await registry.manifest(repository, { tag: build.version })
  if (found === undefined || found.digest !== build.digest) return
  const proofs = keptDigests.has(build.digest) ? [] : [proofTag(build.digest, 'sig'), proofTag(build.digest, 'att')]
  for (const tag of [build.version, ...proofs]) {
    await registry.removeManifest(repository, { tag }).catch((error: unknown) => {
      if (!isLarderError(error, 'OCI_MANIFEST_UNKNOWN')) throw error
    })
  }
}
