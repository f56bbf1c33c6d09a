import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { silentLog, silentProgress, systemClock, type Digest, type KindContext } from '../../core/index.ts'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { openMemoryStore, type MemoryStore } from '../../store/testing/index.ts'
import { mediaTypes } from '../media-type.ts'
import { createImageKeys } from '../proof/keys/image-keys.ts'
import { verifySignatures } from '../proof/verify.ts'
import { parseDigest, parseRepositoryName } from '../reference.ts'
import { createRegistry, type Registry } from '../registry/registry.ts'
import { StandInBuilder } from '../testing/stand-in-builder.ts'
import { forgetOldVersions } from './forget-versions.ts'
import { createImageBuilds, type ImageBuilds } from './image-builds.ts'
import type { ImageChange } from './image-change.ts'
import { createImageKind, type ImageKind } from './image-kind.ts'
import { imagesSchema } from './image-schema.ts'
import { registrySource, verifyImageContent } from './verify-image.ts'

const repository = parseRepositoryName('counter')
const desired = imagesSchema.parse({ list: 'images.json' })
let folder: string
let room: MemoryStore
let registry: Registry
let builds: ImageBuilds
let builder: StandInBuilder
let kind: ImageKind
const keys = () => createImageKeys(join(folder, 'key'), { clock: systemClock })

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-platforms-'))
  room = await openMemoryStore()
  registry = createRegistry(room)
  builds = createImageBuilds(room.state, systemClock)
  builder = new StandInBuilder()
  kind = createImageKind({
    registry,
    builds,
    clock: systemClock,
    log: silentLog,
    builder: () => Promise.resolve(builder),
    workFolder: join(folder, 'builds'),
    cacheFolder: join(folder, 'cache'),
    mirrorSource: () => Promise.reject(new Error('no mirror is asked for')),
    mask: (text) => text,
    ownRegistry: () => undefined,
    buildLogin: () => Promise.resolve(undefined),
    cachedNames: [],
    keys: keys(),
    parseRpmHeader: () => undefined,
    who: () => ({
      source: 'https://git.example.org/site.git',
      registryHost: 'registry.example.org',
      builderId: 'https://larder.example.org',
      version: '0',
      creator: 'larder 0',
    }),
  })
})
afterEach(async () => {
  await registry.close()
  await room[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const both = { platforms: ['linux/s390x', 'linux/arm64/v8'] }

function contextOf(version: string, more: object = both, dockerfile = 'FROM scratch\nCOPY . /\n'): KindContext {
  const entry = { service_name: 'counter', type: 'Docker', version, ...more }
  return {
    files: memoryFiles({ 'images.json': JSON.stringify([entry]), 'counter/Dockerfile': dockerfile }),
    clock: systemClock,
    progress: silentProgress,
    signal: new AbortController().signal,
    site: {},
    siteName: 'site',
    commit: { id: 'c'.repeat(40), committedAt: () => Promise.resolve(new Date(1_700_000_000_000)) },
    runId: '1',
    freshForMs: 0,
    trust: 'trusted',
  }
}

async function planOf(context: KindContext): Promise<ImageChange[]> {
  return kind.plan(desired, await kind.observe(context, desired))
}

/** Answers the digest that the version names then. */
async function publish(context: KindContext): Promise<string> {
  const [change] = await planOf(context)
  const staged = await kind.stage(context, change!, await kind.observe(context, desired))
  await kind.switch(context, staged)
  expect(await kind.verify(context, staged)).toEqual([])
  return staged.digest
}

interface Index {
  manifests: { digest: string; platform: { architecture: string } }[]
  annotations: Record<string, string>
}

async function readIndex(digest: string): Promise<Index> {
  return JSON.parse(Buffer.from(await registry.manifestContent(repository, parseDigest(digest))).toString()) as Index
}

const tagsOf = async () => (await registry.tags(repository, {}))?.items ?? []
const proofsOf = async (digest: string) =>
  (await registry.referrers(repository, parseDigest(digest), {})).descriptors.map((one) => one.artifactType).sort()

it('a version is an index of an image for each platform, the same whenever it is built', async () => {
  const [change] = await planOf(contextOf('1.0'))
  expect(change?.summary).toBe('build 1.0 for linux/arm64, linux/s390x of counter/Dockerfile and one file')
  expect(change?.detail).toMatchObject({ platforms: ['linux/arm64', 'linux/s390x'] })
  const digest = await publish(contextOf('1.0'))
  expect(await registry.manifest(repository, { tag: '1.0' })).toMatchObject({ digest, mediaType: mediaTypes.index })
  const index = await readIndex(digest)
  expect(index.manifests.map(({ platform }) => platform)).toEqual([
    { os: 'linux', architecture: 'arm64' },
    { os: 'linux', architecture: 's390x' },
  ])
  expect(index.annotations).toMatchObject({ 'org.opencontainers.image.version': '1.0' })
  expect(await planOf(contextOf('1.0', { platforms: both.platforms.toReversed() }))).toEqual([])
  await registry.removeManifest(repository, { digest: parseDigest(digest) })
  expect(await publish(contextOf('1.0'))).toBe(digest)
  expect(await readdir(join(folder, 'builds'))).toEqual([])
})

it('the index and each image of it have proofs, and all of them are looked at', async () => {
  const digest = await publish(contextOf('1.0'))
  const { manifests } = await readIndex(digest)
  const all = [digest, ...manifests.map((one) => one.digest)]
  for (const one of all) {
    expect(await proofsOf(one)).toEqual([
      'application/spdx+json',
      'application/vnd.dev.cosign.artifact.sig.v1+json',
      'application/vnd.dsse.envelope.v1+json',
    ])
    expect(await tagsOf()).toContain(`${one.replace(':', '-')}.sig`)
  }
  const verify = async () => {
    const trusted = await keys().trusted()
    const findings = await verifyImageContent(registry, { repository, version: '1.0', trusted })
    return findings.map(({ message }) => message)
  }
  expect(await verify()).toEqual([])
  await registry.removeManifest(repository, { tag: `${all[2]?.replace(':', '-') ?? ''}.sig` })
  expect(await verify()).toEqual(['linux/s390x: it has no signature'])
})

it('another version of the same sources is signed by its own name, too, and what was signed stays so', async () => {
  builder.baseName = `base.example.org/a@sha256:${'a'.repeat(64)}`
  const digest = await publish(contextOf('1.0'))
  await keys().rotate({ transitionMs: 1 })
  expect(await publish(contextOf('1.1'))).toBe(digest)
  expect(await publish(contextOf('1.2'))).toBe(digest)
  const source = registrySource(registry, repository)
  const publicKeyPems = await keys().trusted()
  for (const one of [digest, ...(await readIndex(digest)).manifests.map((about) => about.digest)]) {
    const { digest: proof } = (await registry.manifest(repository, { tag: `${one.replace(':', '-')}.sig` }))!
    const found = await verifySignatures(await registry.manifestContent(repository, proof), {
      digest: one,
      source,
      publicKeyPems,
    })
    expect([...new Set(found.map(({ reference }) => reference))]).toEqual(
      ['1.0', '1.1', '1.2'].map((version) => `registry.example.org/counter:${version}`),
    )
    expect(await proofsOf(one)).toHaveLength(3)
  }
})

it('another version of what is not whole any more is built', async () => {
  builder.baseName = `base.example.org/a@sha256:${'a'.repeat(64)}`
  const [platform] = (await readIndex(await publish(contextOf('1.0')))).manifests
  expect((await planOf(contextOf('1.1')))[0]?.detail.sameAs).toBe('1.0')
  const content = await registry.manifestContent(repository, parseDigest(platform!.digest))
  const { layers } = JSON.parse(Buffer.from(content).toString()) as { layers: { digest: string }[] }
  await room.store.remove([layers[0]!.digest as Digest], () => Promise.resolve(new Set()))
  expect((await planOf(contextOf('1.1')))[0]?.detail.sameAs).toBeUndefined()
})

it('one platform is an image alone, also as a list of one', async () => {
  const digest = await publish(contextOf('1.0', { platforms: ['linux/s390x'] }))
  expect(await registry.manifest(repository, { tag: '1.0' })).toMatchObject({ digest, mediaType: mediaTypes.manifest })
  expect(await planOf(contextOf('1.0', { platform: 'linux/s390x' }))).toEqual([])
  await expect(planOf(contextOf('1.0'))).rejects.toMatchObject({ code: 'IMAGE_VERSION_TAKEN' })
})

it('nothing is built where one of the platforms cannot be', async () => {
  // No kernel is told of a processor that this one is.
  const platforms = ['linux/arm64', 'linux/none']
  const context = contextOf('1.0', { platforms }, 'FROM scratch\nRUN make\n')
  await expect(publish(context)).rejects.toMatchObject({
    code: 'BUILD_PLATFORM_UNSUPPORTED',
    context: { problems: [{ file: 'counter/Dockerfile', line: 2 }] },
  })
  expect(builder.requests).toEqual([])
})

it('what is said about the images of a version that is forgotten goes with it, and of others stays', async () => {
  await publish(contextOf('1.0'))
  const newer = await publish(contextOf('1.1', both, 'FROM scratch\nCOPY Dockerfile /\n'))
  await forgetOldVersions({ registry, builds }, 1)
  const kept = [newer, ...(await readIndex(newer)).manifests.map((one) => one.digest)].map((one) =>
    one.replace(':', '-'),
  )
  const proofs = kept.flatMap((one) => [`${one}.att`, `${one}.sig`])
  expect(await tagsOf()).toEqual(['1.1', ...proofs].sort())
})
