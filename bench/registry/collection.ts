import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../src/core/index.ts'
import { openDatabase } from '../../src/state/index.ts'
import { createRegistry, parseDigest, parseRepositoryName, type Registry } from '../../src/oci/index.ts'
import { collectGarbage, createLeases, openFileBlobStore, sqlLeaseBook } from '../../src/store/index.ts'
import { median } from '../report.ts'
import type { RegistryBenchContext } from './bench.ts'

const counts = [1000, 10_000, 100_000]
const dayMs = 86_400_000
const repository = parseRepositoryName('bench/gc')

/**
 * A collection of stores of so many blobs, half of which nobody needs, while pushes go on: time of each blob, and how
 * long the pushes took meanwhile.
 */
export async function measureCollection({ folder, report }: RegistryBenchContext): Promise<void> {
  for (const count of counts) {
    const { seconds, pushMs, pushes } = await collect(join(folder, `gc${count}`), count)
    report.add({
      case: `gc: a blob of ${count}, half of them not needed`,
      unit: 'µs',
      larder: (seconds / count) * 1e6,
      runs: 1,
    })
    report.note(
      `    ${count} blobs: ${seconds.toFixed(2)} s; ${pushes} pushes meanwhile, median ${median(pushMs).toFixed(0)} ms, slowest ${Math.max(...pushMs).toFixed(0)} ms`,
    )
  }
}

async function collect(folder: string, count: number): Promise<{ seconds: number; pushMs: number[]; pushes: number }> {
  await mkdir(folder, { recursive: true })
  let offsetMs = -2 * dayMs
  const clock = { ...systemClock, now: () => new Date(Date.now() + offsetMs) }
  const state = await openDatabase({ path: join(folder, 'larder.db'), clock })
  const store = await openFileBlobStore({ folder, leaseBook: sqlLeaseBook(state) })
  const leases = createLeases(state, store, clock)
  const registry = createRegistry({ state, store, leases, clock })
  try {
    const lease = await leases.acquire('bench')
    for (let start = 0; start < count; start += 500) {
      const size = Math.min(500, count - start)
      const stored = await store.writeMany(
        lease,
        Array.from({ length: size }, (_, index) => Buffer.from(`blob ${start + index}`)),
      )
      const used_at = (index: number) => new Date(Date.now() - (index % 2 === 0 ? 2 * dayMs : 0)).toISOString()
      await state.transaction((transaction) =>
        transaction
          .insertInto('oci_blobs')
          .values(
            stored.map((digest, index) => ({
              repository,
              digest,
              store_digest: digest,
              size_bytes: 10,
              used_at: used_at(index),
            })),
          )
          .execute(),
      )
    }
    await leases.release(lease)
    offsetMs = 0
    const work = measure(async () => {
      await registry.tidy()
      return collectGarbage({ store, leases, clock, roots: () => registry.roots() })
    })
    const pushMs: number[] = []
    const done = new AbortController()
    const [{ seconds, value }] = await Promise.all([
      work.finally(() => {
        done.abort()
      }),
      (async () => {
        do pushMs.push(await pushOne(registry, pushMs.length))
        while (!done.signal.aborted)
      })(),
    ])
    if (value.removed !== count / 2) throw new Error(`${value.removed} of ${count} were removed`)
    return { seconds, pushMs, pushes: pushMs.length }
  } finally {
    await registry.close()
    await state.close()
  }
}

async function pushOne(registry: Registry, number: number): Promise<number> {
  const bytes = Buffer.from(`pushed meanwhile ${number}`)
  const digest = parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)
  const { seconds } = await measure(async () => {
    const id = await registry.beginUpload(repository)
    await registry.finishUpload(repository, id, digest, { body: one(bytes) })
  })
  if ((await registry.blob(repository, digest)) === undefined) throw new Error(`${digest} is not there`)
  return seconds * 1000
}

async function* one(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes
}

async function measure<T>(work: () => Promise<T>): Promise<{ seconds: number; value: T }> {
  const started = performance.now()
  const value = await work()
  return { seconds: (performance.now() - started) / 1000, value }
}
