import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { median } from '../report.ts'
import type { RegistryBenchContext } from './bench.ts'
import { startLarderRegistry } from './servers.ts'

const [tagCount, manifestCount, subjectCount] = [10_000, 50_000, 100]
const mostMs = 20
const subject = `sha256:${'a'.repeat(64)}`

/** How long lists take in a repository of many tags and manifests, over HTTP. */
export async function measureLists(context: RegistryBenchContext): Promise<void> {
  const { root, report, runs } = context
  const folder = join(context.folder, 'lists')
  await mkdir(folder, { recursive: true })
  // Makes the tables.
  await (await startLarderRegistry(root, folder)).stop()
  fill(join(folder, 'data/larder.db'))
  const larder = await startLarderRegistry(root, folder)
  try {
    const cases: [string, string, (body: string) => number, number][] = [
      ['tags: all 10,000', 'tags/list', (body) => (JSON.parse(body) as { tags: string[] }).tags.length, tagCount],
      [
        'tags: a page of 100 in the middle',
        'tags/list?n=100&last=v05000',
        (body) => (JSON.parse(body) as { tags: string[] }).tags.length,
        100,
      ],
      ['referrers: 500 of one subject', `referrers/${subject}`, countManifests, manifestCount / subjectCount],
      [
        'referrers: of one type',
        `referrers/${subject}?artifactType=application/x.0`,
        countManifests,
        manifestCount / subjectCount / 5,
      ],
    ]
    for (const [name, path, count, expected] of cases) {
      const times: number[] = []
      for (let round = -3; round < runs * 5; round++) {
        const started = performance.now()
        const body = await (await fetch(`${larder.url}/v2/bench/lists/${path}`)).text()
        const ms = performance.now() - started
        if (count(body) !== expected) throw new Error(`${path}: ${count(body)} instead of ${expected}`)
        if (round >= 0) times.push(ms)
      }
      report.add({ case: name, unit: 'ms', larder: median(times), target: mostMs, runs: times.length })
    }
  } finally {
    await larder.stop()
  }
}

function countManifests(body: string): number {
  return (JSON.parse(body) as { manifests: unknown[] }).manifests.length
}

/** Straight into the tables: to push them would take longer than all that is measured. */
function fill(path: string): void {
  const database = new DatabaseSync(path)
  const now = new Date().toISOString()
  const manifest = database.prepare(
    `INSERT INTO oci_manifests (repository, digest, media_type, size_bytes, subject, artifact_type, annotations, pushed_at, used_at)
     VALUES ('bench/lists', ?, 'application/vnd.oci.image.manifest.v1+json', 500, ?, ?, '{"note":"bench"}', ?, ?)`,
  )
  const tag = database.prepare(
    `INSERT INTO oci_tags (repository, name, digest, moved_at) VALUES ('bench/lists', ?, ?, ?)`,
  )
  const digestOf = (number: number) => `sha256:${number.toString(16).padStart(64, '0')}`
  database.exec('BEGIN')
  for (let number = 0; number < manifestCount; number++) {
    const about = number % subjectCount === 0 ? subject : digestOf(number % subjectCount)
    manifest.run(digestOf(number), about, `application/x.${Math.floor(number / subjectCount) % 5}`, now, now)
  }
  for (let number = 0; number < tagCount; number++)
    tag.run(`v${String(number).padStart(5, '0')}`, digestOf(number * 5), now)
  database.exec('COMMIT')
  database.close()
}
