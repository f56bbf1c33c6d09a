import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startOpenRegistry } from './support/open-registry.ts'
import { createRandom } from './support/random.ts'
import { sha256Of } from './support/registry-client.ts'
import { createRegistryModel } from './support/registry-model.ts'

const hourMs = 3_600_000
const [rounds, workers, stepsEach] = [6, 6, 25]

it('random pushes, mounts, retags, deletes and gcs: what was acknowledged is there, and nothing else stays', async () => {
  await using registry = await startOpenRegistry()
  const { client, folder } = registry
  const model = createRegistryModel(client, createRandom(20_261_121))
  const counts: Record<string, number> = { gc: 0 }
  const work = async (worker: number): Promise<void> => {
    for (let number = 0; number < stepsEach; number++) {
      const done = await model.step(worker)
      counts[done] = (counts[done] ?? 0) + 1
    }
  }
  for (let round = 0; round < rounds; round++) {
    // All that nobody needs may go now: in the midst of those who push the same layers again.
    registry.clockOffsetMs += 25 * hourMs
    const done = new AbortController()
    const collecting = (async () => {
      for (; !done.signal.aborted; counts['gc']!++) await registry.collectGarbage()
    })()
    const working = Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)))
    await working.finally(() => {
      done.abort()
    })
    await collecting
    await model.check()
  }
  expect(counts['push']).toBeGreaterThan(200)
  console.log(`registry soak: ${JSON.stringify(counts)}`)

  await model.deleteAll()
  registry.clockOffsetMs += 25 * hourMs
  await registry.collectGarbage()
  expect(await filesBelow(join(folder, 'blobs'))).toEqual([])
  expect(await filesBelow(join(folder, 'uploads'))).toEqual([])
  expect(rowsLeft(join(folder, 'larder.db'))).toEqual({})
})

it('two pushes of one tag at once: it is one of them, and both are there by their digests', async () => {
  await using registry = await startOpenRegistry()
  const { client } = registry
  for (let round = 0; round < 20; round++) {
    const images = await Promise.all(['a', 'b'].map((name) => client.pushImage('app', 'latest', `${name}${round}`)))
    const digests = images.map(({ digest }) => digest)
    const { headers } = await client.ask('HEAD', '/v2/app/manifests/latest')
    expect(digests).toContain(headers['docker-content-digest'])
    for (const digest of digests) expect((await client.ask('GET', `/v2/app/manifests/${digest}`)).status).toBe(200)
  }
})

it('one blob pushed by many at once is there once', async () => {
  await using registry = await startOpenRegistry()
  const { client } = registry
  const bytes = randomBytes(300_000)
  await Promise.all(Array.from({ length: 10 }, (_, index) => client.pushBlob(`app${index % 3}`, bytes)))
  for (const repository of ['app0', 'app1', 'app2']) {
    const { body } = await client.ask('GET', `/v2/${repository}/blobs/${sha256Of(bytes)}`)
    expect(body.equals(bytes)).toBe(true)
  }
  const files = await filesBelow(join(registry.folder, 'blobs'))
  expect(files).toHaveLength(1)
})

it('an upload expires a day after it was last used, and not before', async () => {
  await using registry = await startOpenRegistry()
  const { client } = registry
  const { headers } = await client.ask('POST', '/v2/app/blobs/uploads/')
  const location = headers.location!
  for (const piece of ['one', 'two', 'three']) {
    registry.clockOffsetMs += 20 * hourMs
    await registry.collectGarbage()
    expect((await client.ask('PATCH', location, { body: Buffer.from(piece) })).status).toBe(202)
  }
  expect((await client.ask('GET', location)).headers['range']).toBe('0-10')
  registry.clockOffsetMs += 25 * hourMs
  await registry.collectGarbage()
  expect((await client.ask('GET', location)).errorCode()).toBe('BLOB_UPLOAD_UNKNOWN')
  expect(await filesBelow(join(registry.folder, 'uploads'))).toEqual([])
})

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

/** Of the registry's tables and leases, those that are not empty. */
function rowsLeft(path: string): Record<string, number> {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const tables = [
      'oci_blobs',
      'oci_manifests',
      'oci_manifest_contents',
      'oci_links',
      'oci_tags',
      'oci_uploads',
      'leases',
    ]
    const counts = tables.map((table) => {
      const { rows } = database.prepare(`SELECT count(*) AS rows FROM ${table}`).get() as { rows: number }
      return [table, rows] as const
    })
    return Object.fromEntries(counts.filter(([, rows]) => rows > 0))
  } finally {
    database.close()
  }
}
