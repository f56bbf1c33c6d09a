import { randomInt } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, it } from 'vitest'
import { isLarderError } from '../../src/core/index.ts'
import { createRemoteController } from '../../src/app/cli/remote-controller.ts'
import type { ControllerClient } from '../../src/app/cli/session.ts'
import { startUpstream, type Upstream } from '../fixtures/upstream/index.ts'
import { complaint, createAptClient, fetchSource, type AptClient } from './support/apt-client.ts'
import { findLeftovers } from './support/find-leftovers.ts'
import { serveFolders } from './support/folder-server.ts'
import { freePort } from './support/free-port.ts'
import { createRandom } from './support/random.ts'
import { createSiteClone, type SiteClone } from './support/site-clone.ts'
import { larderYaml, packageList } from './support/site-text.ts'
import { waitFor } from './support/wait-for-run.ts'
import { openWorkspace } from './support/workspace.ts'

/** Each kill ends a process that has this many controllers, which are at different moments of their work. */
const lanes = 5
const kills = Number(process.env['LARDER_KILLS'] ?? 200)
const seed = Number(process.env['LARDER_SEED'] ?? randomInt(2 ** 31))
const random = createRandom(seed)
/** Large enough for an upload that outlives the process. */
const bigBytes = 900_000
const names = Array.from({ length: 40 }, (_, index) => `pkg${String(index + 1).padStart(2, '0')}`)

/** One controller, its site, and what is known of it. */
interface Lane {
  dataFolder: string
  port: number
  url: string
  token: string
  site: SiteClone
  commits: number
  published: number
}

it(`goes on after kill -9 at ${kills} moments (LARDER_SEED=${seed})`, async () => {
  await using workspace = await openWorkspace()
  const upstream = await startUpstream({ suites: [{ suite: 'stable', packages: names.map(packageWithNoise) }] })
  try {
    const all: Lane[] = []
    for (let number = 1; number <= lanes; number++) {
      const port = await freePort()
      const dataFolder = workspace.path(`data${number}`)
      const site = await createSiteClone(workspace.path(`site${number}`))
      all.push({ dataFolder, port, url: `http://127.0.0.1:${port}`, token: '', site, commits: 0, published: 0 })
    }
    const serve = () => serveFolders(all, workspace.path('compiled'))
    const clients: AptClient[] = []
    const first = serve()
    await first.ready
    for (const lane of all) {
      await commitNext(lane, upstream)
      lane.token = (await readFile(join(lane.dataFolder, 'admin-token'), 'utf8')).trim()
      expect(await lane.site.push(lane)).toMatchObject({ accepted: true })
      await waitFor('the first publication', () => isUpToDate(lane))
      const client = await createAptClient(workspace.path(`client${lane.port}`))
      await client.setSource(await fetchSource(lane.url, 'base'))
      expect((await client.update()).output).not.toMatch(complaint)
      clients.push(client)
    }
    expect(await first.stop()).toBe(0)
    upstream.fault('pool/*', { kind: 'drip', bytesPerSecond: 3_000_000 })

    const done = new AbortController()
    const watching = watch(clients, done.signal)
    try {
      // A download must have been cut off at least once: if chance would have none so far, it goes on.
      for (let count = 0; count < kills || (count < 2 * kills && !hasResumed(upstream)); count += lanes) {
        await giveWork(all, upstream)
        const server = serve()
        // Now and then before it serves.
        if (random.below(5) > 0) await server.ready
        await new Promise((resolve) => setTimeout(resolve, random.below(900)))
        await Promise.all(all.map(look))
        await server.kill()
      }
    } finally {
      done.abort()
    }
    const { failures, rounds, succeeded } = await watching
    expect(failures).toEqual([])

    const last = serve()
    await last.ready
    for (const [index, lane] of all.entries()) {
      await waitFor(`commit ${lane.commits} to be published`, () => isUpToDate(lane))
      expect(await clientOf(lane).verify('base')).toEqual([])
      const client = clients[index]!
      expect((await client.update()).output).not.toMatch(complaint)
      const { debs, output } = await client.download(...names.slice(0, lane.commits))
      expect(debs, output).toHaveLength(lane.commits)
    }
    expect(await last.stop()).toBe(0)
    const commits = all.map((lane) => lane.commits)
    console.log(`${kills} kills, commits ${commits.join('+')}, apt looked ${rounds} times, ${succeeded} while up`)

    for (const lane of all) {
      expectOnePublicationEach(join(lane.dataFolder, 'larder.db'), lane.commits)
      expect(await findLeftovers(lane.dataFolder)).toEqual([])
      expect((await readdir(lane.dataFolder)).sort()).toEqual(dataFolderNames)
    }
    expect(Math.min(...commits)).toBeGreaterThan(1)
    expect(hasResumed(upstream)).toBe(true)
  } finally {
    await upstream.close()
  }
})

function hasResumed({ requests }: Upstream): boolean {
  return requests.some(({ range, status }) => range !== undefined && status === 206)
}

/** As docs/design.md draws it, with nothing running. */
const dataFolderNames = [
  'admin-token',
  'blobs',
  'cache',
  'github-secrets',
  'keys',
  'larder.db',
  'lock.db',
  'site.git',
  'uploads',
]

function packageWithNoise(name: string) {
  const noise = Buffer.from(Uint8Array.from({ length: bigBytes }, () => random.below(256)))
  return { name, version: '1.0', files: { [`usr/share/${name}`]: noise } }
}

/** One package more. */
async function commitNext(lane: Lane, upstream: Upstream): Promise<void> {
  lane.commits++
  await lane.site.commit({
    'larder.yaml': larderYaml({ test: upstream.url }, { base: {} }),
    'keys/test.asc': upstream.key,
    'packages.json': packageList(names.slice(0, lane.commits)),
  })
}

/** While it is down, as if it had been killed after a push: the next start has to notice. */
async function giveWork(all: readonly Lane[], upstream: Upstream): Promise<void> {
  for (const lane of all) {
    if (lane.published < lane.commits || lane.commits === names.length) continue
    await commitNext(lane, upstream)
    const fetching = ['fetch', '--quiet', '--', lane.site.folder, '+refs/heads/main:refs/heads/main']
    await execa('git', ['--git-dir', join(lane.dataFolder, 'site.git'), ...fetching])
  }
}

function clientOf({ url, token }: Lane): ControllerClient {
  return createRemoteController(url, token)
}

async function look(lane: Lane): Promise<void> {
  try {
    const run = (await clientOf(lane).runs({ limit: 1 }))[0]
    const { packageCount } = await clientOf(lane).mirror('base')
    if (run?.state === 'succeeded') lane.published = packageCount
  } catch (error) {
    if (!isLarderError(error, 'CONTROLLER_UNREACHABLE')) throw error
  }
}

async function isUpToDate(lane: Lane): Promise<true | undefined> {
  await look(lane)
  return lane.published === lane.commits ? true : undefined
}

/** Every commit listed one package more, so each must have made one snapshot and one publication, in their order. */
function expectOnePublicationEach(path: string, commits: number): void {
  const database = new DatabaseSync(path)
  try {
    expect(database.prepare('PRAGMA integrity_check').all()).toMatchObject([{ integrity_check: 'ok' }])
    const rows = database.prepare('SELECT generation, snapshot_number AS snapshot FROM publications ORDER BY 1').all()
    const expected = Array.from({ length: commits }, (_, index) => ({ generation: index + 1, snapshot: index + 1 }))
    expect(rows.map((row) => ({ ...row }))).toEqual(expected)
    const runs = database.prepare('SELECT state, count(*) AS runs FROM runs GROUP BY state').all()
    expect(runs.map((row) => ({ ...row }))).toEqual([{ state: 'succeeded', runs: commits }])
  } finally {
    database.close()
  }
}

/** What apt says when the server is not there, or goes away in the middle of an answer. */
const away = [
  /Could not connect to|Unable to connect to|Connection refused|Connection failed|Connection reset|Connection timed out/,
  /Error reading from server|Remote end closed|Undetermined Error|Bad header line|Error writing to/,
  /Some (?:index )?files failed to download|Unable to fetch some archives|maybe run apt-get update/,
  /^(?:Err|Ign):/,
]

/** Updates and downloads all along. What is wrong with content is a failure; that the server is away is not. */
async function watch(clients: readonly AptClient[], stop: AbortSignal) {
  const failures: string[] = []
  let rounds = 0
  let succeeded = 0
  for (; !stop.aborted; rounds++) {
    const client = clients[rounds % clients.length]!
    await client.aptGet('clean')
    const said = [await client.update(), await client.download('pkg01')]
    if (said.every(({ exitCode }) => exitCode === 0)) succeeded++
    for (const { output } of said) {
      const complaints = output.split('\n').filter((line) => complaint.test(line))
      if (complaints.some((line) => !away.some((pattern) => pattern.test(line)))) failures.push(output)
    }
  }
  return { rounds, succeeded, failures }
}
