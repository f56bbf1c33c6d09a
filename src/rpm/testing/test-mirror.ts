import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { RpmSigner, RpmUpstream } from '../../../test/fixtures/rpm-upstream/index.ts'
import { silentProgress, systemClock, type Digest } from '../../core/index.ts'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { createTestFetcher } from '../../fetch/testing/index.ts'
import type { LoadedUpstream, MirrorPackage, RpmClientSetup, WhyChain } from '../../mirror/index.ts'
import { readTree, type SigningKey, type Snapshot } from '../../publish/index.ts'
import { createCache, openDatabase } from '../../state/index.ts'
import { createRpmFormat } from '../format.ts'
import type { RpmRequest } from '../loaded-upstreams.ts'
import { rpmMirrorSchema } from '../mirror-config.ts'
import { rpmUpstreamSchema } from '../upstream-config.ts'

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
  clientSetup(baseUrl: string): RpmClientSetup
  /** The unpacked text of a data file: `primary`. */
  text(type: string): string | undefined
}

export interface TestMirror {
  /** From upstream to signed files. */
  publish(list: readonly string[], mirror?: Record<string, unknown>): Promise<PublishedMirror>
  why(list: readonly string[], name: string): Promise<WhyChain[]>
  inspect(list: readonly string[]): Promise<LoadedUpstream[]>
  /** Where compiled indices are. */
  cacheFolder: string
  close(): Promise<void>
}

/**
 * A mirror `el9` of loopback upstreams, in order of preference, over a store in memory. `upstreams`: further keys of
 * theirs in larder.yaml.
 */
export async function createTestMirror(
  upstreams: Readonly<Record<string, RpmUpstream>>,
  key: RpmSigner,
  settings: Readonly<Record<string, Record<string, unknown>>> = {},
): Promise<TestMirror> {
  const folder = await mkdtemp(join(tmpdir(), 'larder-rpm-mirror-'))
  const { store, leases, lease, fetcher } = await createTestFetcher({ limits: { stallMs: 10_000 } })
  const state = await openDatabase({ path: join(folder, 'larder.db'), clock: systemClock })
  const cache = createCache(state, systemClock)
  const format = createRpmFormat({ store, leases, fetcher, cache, clock: systemClock, cacheFolder: folder })
  const signingKey: SigningKey = {
    ...key,
    signCleartext: () => Promise.reject(new Error('nothing of RPM is signed so')),
    signDetached: (bytes, at) => key.signDetached(Buffer.from(bytes).toString(), at),
    signBinary: () => Promise.reject(new Error('packages of upstreams are not signed again')),
  }
  const { signal } = new AbortController()
  const contextNow = () => ({ lease, progress: silentProgress, signal, now: systemClock.now(), freshForMs: 0 })
  const held = new Set<Digest>()
  const load = async (list: readonly string[], mirror: Record<string, unknown> = {}) => {
    const request = requestFor(upstreams, { list, mirror, settings })
    return { request, loaded: await format.load(contextNow(), request) }
  }
  return {
    async publish(list, mirror) {
      const context = contextNow()
      const { request, loaded } = await load(list, mirror)
      const resolution = format.resolve(loaded, request)
      const staged = await format.stagePackages(context, loaded, { resolution, held })
      const { tree: digest, meta } = await format.compose(context, loaded, { request, resolution: staged })
      for (const one of staged.packages) if (one.digest !== '') held.add(one.digest)
      const tree = await readTree(store, digest)
      const snapshot: Snapshot = {
        tree: digest,
        mirror: 'el9',
        number: 1,
        createdAt: context.now,
        origin: 'test',
        meta,
      }
      const sealing = { snapshot, tree, sealedAt: context.now, validUntil: undefined }
      const sealed = await format.sealer({ name: 'el9', meta }, signingKey).seal(sealing)
      const files = new Map(sealed.entries.map((entry) => [entry.path, Buffer.from(entry.bytes)]))
      for (const entry of tree.entries()) {
        const parts = entry.parts ?? [entry]
        files.set(entry.path, Buffer.concat(await Promise.all(parts.map((part) => store.readWhole(part.digest)))))
      }
      const setup = { mirror: 'el9', publicKeyArmored: key.publicKeyArmored, meta }
      return {
        packages: staged.packages,
        notes: resolution.notes,
        tree: digest,
        files,
        held: await format.packagesOf(snapshot),
        clientSetup: (baseUrl) => format.clientSetup({ ...setup, baseUrl }),
        text(type) {
          const path = [...files.keys()].find((name) => new RegExp(`-${type}\\.[a-z]+\\.gz$`).test(name))
          return path === undefined ? undefined : gunzipSync(files.get(path)!).toString()
        },
      }
    },
    async why(list, name) {
      const { request, loaded } = await load(list)
      return format.why(loaded, request, name)
    },
    inspect: async (list) => format.inspect((await load(list)).loaded),
    cacheFolder: folder,
    async close() {
      await fetcher.close()
      await state.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function requestFor(
  upstreams: Readonly<Record<string, RpmUpstream>>,
  asked: {
    list: readonly string[]
    mirror: Record<string, unknown>
    settings: Readonly<Record<string, Record<string, unknown>>>
  },
): RpmRequest {
  const keys = new Map(Object.entries(upstreams).map(([name, { key }]) => [`keys/${name}.asc`, Buffer.from(key)]))
  const { recommends = false, exclude = [], ...own } = asked.mirror
  return {
    name: 'el9',
    mirror: { ...rpmMirrorSchema.parse({ architectures: ['x86_64'], ...own }), ...{ recommends, exclude } },
    upstreams: Object.entries(upstreams).map(([name, { url }]) => {
      const config = { url, keys: [`keys/${name}.asc`], ...asked.settings[name] }
      return { name, config: rpmUpstreamSchema.parse(config) }
    }),
    list: asked.list.map((name) => ({ name, exclude: [], position: { file: 'packages.json', line: 1, column: 1 } })),
    files: memoryFiles(Object.fromEntries([...keys].map(([path, key]) => [path, key.toString('utf8')]))),
  }
}
