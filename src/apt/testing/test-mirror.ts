import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeSigner, type Upstream } from '../../../test/fixtures/upstream/index.ts'
import { silentProgress, systemClock, type Digest } from '../../core/index.ts'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { createTestFetcher } from '../../fetch/testing/index.ts'
import { packagesOfTree, type AptClientSetup, type MirrorPackage } from '../../mirror/index.ts'
import { readTree, type SigningKey, type Snapshot } from '../../publish/index.ts'
import type { Cache } from '../../state/index.ts'
import { createAptFormat } from '../format.ts'
import type { AptRequest } from '../loaded-upstreams.ts'
import { aptMirrorSchema } from '../mirror-config.ts'
import { comparePackages } from '../repository/index.ts'
import { memoryCache } from '../../pieces/testing/memory-cache.ts'
import { aptUpstreamSchema } from '../upstream-config.ts'
import { noHost } from './test-loader.ts'

/** What a mirror made of its upstreams. */
export interface PublishedMirror {
  packages: readonly MirrorPackage[]
  notes: readonly string[]
  /** Of the tree without signatures. */
  tree: Digest
  /** All that clients see, by path. */
  files: ReadonlyMap<string, Buffer>
  /** What the snapshot itself says that it holds. */
  held: MirrorPackage[]
  /** The same, read from its manifest. */
  manifest: MirrorPackage[]
  clientSetup(baseUrl: string): AptClientSetup
}

export interface TestMirror {
  /** From upstream to signed files. `held`: digests that need not be fetched. */
  publish(
    list: readonly string[],
    config?: Record<string, unknown>,
    held?: ReadonlySet<Digest>,
  ): Promise<PublishedMirror>
  close(): Promise<void>
}

/** A mirror `base` of loopback upstreams, in order of preference, over a store in memory. */
export async function createTestMirror(upstreams: Readonly<Record<string, Upstream>>): Promise<TestMirror> {
  const cacheFolder = await mkdtemp(join(tmpdir(), 'larder-mirror-'))
  const { store, leases, lease, fetcher } = await createTestFetcher()
  const cache = memoryCache() as unknown as Cache
  const format = createAptFormat({ store, leases, fetcher, cache, clock: systemClock, cacheFolder, host: noHost })
  const key = await makeKey()
  const { signal } = new AbortController()
  let since: Digest | undefined
  return {
    async publish(list, config = {}, held = new Set()) {
      const request = requestFor(upstreams, list, config)
      const context = { lease, progress: silentProgress, signal, now: systemClock.now(), freshForMs: 0 }
      const loaded = await format.load(context, request)
      const resolution = format.resolve(loaded, request)
      const staged = await format.stagePackages(context, loaded, { resolution, held })
      const { tree: digest, meta } = await format.compose(context, loaded, { request, resolution: staged, since })
      since = digest
      const tree = await readTree(store, digest)
      const snapshot: Snapshot = {
        tree: digest,
        mirror: 'base',
        number: 1,
        createdAt: context.now,
        origin: 'test',
        meta,
      }
      const sealing = { snapshot, tree, sealedAt: context.now, validUntil: undefined }
      const sealed = await format.sealer({ name: 'base', meta }, key).seal(sealing)
      const files = new Map(sealed.entries.map((entry) => [entry.path, Buffer.from(entry.bytes)]))
      for (const entry of tree.entries()) {
        const parts = entry.parts ?? [entry]
        files.set(entry.path, Buffer.concat(await Promise.all(parts.map((part) => store.readWhole(part.digest)))))
      }
      const setup = { mirror: 'base', publicKeyArmored: key.publicKeyArmored, meta }
      return {
        packages: resolution.packages,
        notes: resolution.notes,
        tree: digest,
        files,
        held: await format.packagesOf(snapshot),
        manifest: await packagesOfTree(tree, store, comparePackages),
        clientSetup: (baseUrl) => format.clientSetup({ ...setup, baseUrl }),
      }
    },
    async close() {
      await fetcher.close()
      await rm(cacheFolder, { recursive: true, force: true })
    },
  }
}

function requestFor(
  upstreams: Readonly<Record<string, Upstream>>,
  list: readonly string[],
  config: Record<string, unknown>,
): AptRequest {
  const keys = Object.entries(upstreams).map(([name, { key }]) => [`keys/${name}.asc`, key] as const)
  return {
    name: 'base',
    mirror: aptMirrorSchema.parse({ suite: 'bookworm', architectures: ['amd64'], ...config }),
    upstreams: Object.entries(upstreams).map(([name, { url, repository }]) => {
      const suites = repository.suites.map(({ suite }) => suite)
      return { name, config: aptUpstreamSchema.parse({ url, keys: [`keys/${name}.asc`], suites }) }
    }),
    list: list.map((name) => ({ name, exclude: [], position: { file: 'packages.json', line: 1, column: 1 } })),
    files: memoryFiles(Object.fromEntries(keys)),
  }
}

async function makeKey(): Promise<SigningKey> {
  const { fingerprint, publicKeyArmored, signCleartext, signDetached } = await makeSigner()
  const detached = (bytes: Uint8Array, at: Date): Promise<string> => signDetached(Buffer.from(bytes).toString(), at)
  const signBinary = () => Promise.reject(new Error('nothing of APT is signed so'))
  return { fingerprint, publicKeyArmored, signCleartext, signDetached: detached, signBinary }
}
