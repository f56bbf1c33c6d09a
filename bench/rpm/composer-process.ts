// Started by larder-composer.ts: composes signed metadata of local packages, in a process as the controller is one.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { digestFromHex, systemClock, type Digest } from '../../src/core/index.ts'
import { PieceMemory } from '../../src/pieces/index.ts'
import { createKeyring, writeTree, type Snapshot } from '../../src/publish/index.ts'
import { readRpmBytes, toPackage } from '../../src/rpm/header/index.ts'
import {
  composeRepository,
  createPackageHeaders,
  createRpmSealer,
  type RepositoryPackage,
} from '../../src/rpm/repository/index.ts'
import { createCache, openDatabase } from '../../src/state/index.ts'
import { createLeases, openFileBlobStore, sqlLeaseBook } from '../../src/store/index.ts'
import type { ComposerAnswer, ComposerRequest } from './larder-composer.ts'

const [packagesFolder = '', stateFolder = ''] = process.argv.slice(2)

await mkdir(stateFolder, { recursive: true })
const clock = systemClock
const state = await openDatabase({ path: join(stateFolder, 'larder.db'), clock })
const store = await openFileBlobStore({ folder: stateFolder, leaseBook: sqlLeaseBook(state) })
const leases = createLeases(state, store, clock)
const cache = createCache(state, clock)
const key = await createKeyring(join(stateFolder, 'keys'), { clock, site: 'bench' }).key('bench')
const memory = new PieceMemory()
const known = new Map<string, RepositoryPackage>()
const lying = new Map<Digest, { path: string; sizeBytes: number }>()
/** The packages lie where createrepo_c reads them, too, not in the store; they are read as if they lay there. */
const headers = createPackageHeaders({
  stat: (digest) => Promise.resolve(lying.get(digest)),
  localPath: (digest) => lying.get(digest)!.path,
  read: (digest, range) => store.read(digest, range),
})

process.on('message', (request: ComposerRequest) => {
  answer(request).catch((error: unknown) => {
    console.error(error)
    process.exit(1)
  })
})
process.send!('ready')

async function answer({ files }: ComposerRequest): Promise<void> {
  const started = performance.now()
  hashNew(files)
  const hashed = performance.now()
  await compose(files.map((file) => known.get(file)!))
  const done = performance.now()
  const message: ComposerAnswer = {
    seconds: (done - started) / 1000,
    hashSeconds: (hashed - started) / 1000,
    peakMiB: process.resourceUsage().maxRSS / 1024,
  }
  process.send!(message)
}

/** They are small: three calls for each, as the store reads what is small. */
function hashNew(files: readonly string[]): void {
  for (const file of files) {
    if (known.has(file)) continue
    const path = join(packagesFolder, file)
    const one = readPackage(readFileSync(path), path)
    lying.set(one.digest, { path, sizeBytes: one.sizeBytes })
    known.set(file, one)
  }
}

function readPackage(bytes: Buffer, path: string): RepositoryPackage {
  const digest = digestFromHex(createHash('sha256').update(bytes).digest('hex'))
  const { name, evr, architecture } = toPackage(readRpmBytes(bytes, path))
  return { name, evr, architecture, digest, sizeBytes: bytes.length, upstream: 'own', reason: 'listed' }
}

async function compose(packages: readonly RepositoryPackage[]): Promise<void> {
  const lease = await leases.acquire('bench')
  const { entries, meta } = await composeRepository({
    packages,
    headers,
    architectures: ['x86_64'],
    store,
    lease,
    leases,
    cache,
    cacheKey: 'bench',
    memory,
  })
  const tree = await writeTree(store, lease, entries)
  const snapshot = {} as Snapshot
  const sealed = await createRpmSealer(meta, key).seal({ snapshot, tree, sealedAt: new Date(), validUntil: undefined })
  await store.writeMany(
    lease,
    sealed.entries.map(({ bytes }) => bytes),
  )
}
