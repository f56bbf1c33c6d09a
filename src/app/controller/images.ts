import { LarderError } from '../../core/index.ts'
import {
  listedManifests,
  parseRepositoryName,
  platformName,
  verifyImageContent,
  type BadgeState,
  type ImageBuild,
  type Registry,
  type RepositoryName,
} from '../../oci/index.ts'
import type { ImageController, ImageDetail, ImageSummary } from '../image-controller.ts'
import type { ControllerContext } from './context.ts'
import { summarizeRun } from './runs.ts'

const shownBuilds = 20

export function createImageMethods(context: ControllerContext): ImageController {
  const { images, registry } = context
  return {
    async images() {
      const names = await images.builds.images()
      return Promise.all(names.map(async (name) => summaryOf(context, name, await buildsOf(context, name))))
    },
    image: (name) => detailOf(context, name),
    buildImages: async () => summarizeRun(await requestBuild(context)),
    async verifyImage(name, version) {
      const repository = await requireImage(context, name)
      await images.keys.current()
      const trusted = await images.keys.trusted()
      return verifyImageContent(registry, { repository, version, trusted })
    },
    async removeImage(name, version) {
      await registry.removeManifest(await requireImage(context, name), { tag: version })
      return { removed: `${name}:${version}` }
    },
    badge: async (name) =>
      badgeOf(await images.builds.latest(name), await images.builds.latest(name, { state: 'published' })),
    async rotateImageKey() {
      await images.keys.current()
      await images.keys.rotate()
      const keys = await images.keys.current()
      return keys.map(({ id, retiresAt }) => ({ fingerprint: id, retiresAt: retiresAt?.toISOString() }))
    },
    imageKey: async () => (await images.keys.current()).map(({ publicKeyPem }) => publicKeyPem).join(''),
  }
}

/** Of the branch that images are built of. */
async function requestBuild({ siteHead, appliedHeads, runs, runner }: ControllerContext) {
  const head = await siteHead.current()
  const images = head?.site.sections['images'] as { on: { branch: string } } | undefined
  const commit = images && (await appliedHeads()).get(images.on.branch)
  if (images === undefined || commit === undefined) {
    throw new LarderError('NOT_FOUND', {
      message: 'The site declares no images, or the branch that they are built of is not there.',
      hint: 'Add `images:` to larder.yaml; see docs/images.md.',
    })
  }
  const run = await runs.create({ branch: images.on.branch, commit, goal: 'apply', origin: 'image build' })
  runner.wake()
  return run
}

interface Builds {
  latest: ImageBuild | undefined
  published: ImageBuild | undefined
}

async function buildsOf({ images: { builds } }: ControllerContext, name: string): Promise<Builds> {
  return { latest: await builds.latest(name), published: await builds.latest(name, { state: 'published' }) }
}

async function requireImage({ images }: ControllerContext, name: string): Promise<RepositoryName> {
  if ((await images.builds.latest(name)) !== undefined) return parseRepositoryName(name)
  throw new LarderError('IMAGE_UNKNOWN', {
    message: `No image ${name.slice(0, 100)} was ever built here.`,
    hint: 'larder image ls shows those that were.',
  })
}

function summaryOf({ images }: ControllerContext, name: string, { latest, published }: Builds): ImageSummary {
  return {
    name,
    type: latest?.type ?? 'Docker',
    reference: published && `${images.registryHost()}/${name}:${published.version}`,
    version: published?.version,
    digest: published?.digest,
    state: latest?.state ?? 'building',
    builtAt: published?.finishedAt?.toISOString(),
    error: latest?.state === 'failed' ? errorOf(latest) : undefined,
  }
}

async function detailOf(context: ControllerContext, name: string): Promise<ImageDetail> {
  const repository = await requireImage(context, name)
  const builds = await buildsOf(context, name)
  const list = await context.images.builds.list(name, shownBuilds)
  return {
    ...summaryOf(context, name, builds),
    versions: await versionsOf(context, repository),
    builds: list.map((build) => ({
      version: build.version,
      state: build.state,
      run: build.runId,
      commit: build.commit,
      startedAt: build.startedAt.toISOString(),
      finishedAt: build.finishedAt?.toISOString(),
      ec2: build.detail.ec2,
      error: errorOf(build),
    })),
    proofs: await proofsOf(context.registry, repository, builds.published),
  }
}

async function versionsOf({ registry, images }: ControllerContext, repository: RepositoryName) {
  const tags = (await registry.tags(repository, {}))?.items ?? []
  const versions = tags.filter((tag) => !isProofTag(tag))
  const found = await Promise.all(
    versions.map(async (version) => {
      const manifest = await registry.manifest(repository, { tag: version })
      const build = await images.builds.latest(repository, { version, state: 'published' })
      const { digest = '', sizeBytes = 0 } = manifest ?? {}
      const listed = manifest === undefined ? [] : await listedManifests(registry, repository, manifest)
      const platforms = listed.flatMap(({ platform }) => (platform === undefined ? [] : [platformName(platform)]))
      return { version, digest, sizeBytes, platforms, commit: build?.commit, builtAt: build?.finishedAt?.toISOString() }
    }),
  )
  return found.toSorted((left, right) => ((left.builtAt ?? '') < (right.builtAt ?? '') ? 1 : -1))
}

/** Tags by which clients that know no referrers find them. */
function isProofTag(tag: string): boolean {
  return /^sha(?:256|512)-[0-9a-f]{64,}(?:\.\w+)?$/.test(tag)
}

async function proofsOf(registry: Registry, repository: RepositoryName, build: ImageBuild | undefined) {
  if (build?.digest === undefined) return []
  const { descriptors } = await registry.referrers(repository, build.digest, {})
  return descriptors.map(({ artifactType = '', digest, size }) => ({ artifactType, digest, sizeBytes: size }))
}

function errorOf({ error }: ImageBuild): ImageSummary['error'] {
  if (error === undefined) return undefined
  const { code, message, hint } = error
  return { code, message, ...(hint === undefined ? {} : { hint }) }
}

function badgeOf(latest: ImageBuild | undefined, published: ImageBuild | undefined): BadgeState {
  if (latest === undefined) return { kind: 'unknown' }
  if (latest.state === 'failed') return { kind: 'failing' }
  if (latest.state === 'building') return { kind: 'building', version: latest.version }
  return published === undefined ? { kind: 'unknown' } : { kind: 'passing', version: published.version }
}
