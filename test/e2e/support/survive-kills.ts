import { readFile, readdir } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect } from 'vitest'
import { isLarderError } from '../../../src/core/index.ts'
import { createRemoteController } from '../../../src/app/cli/remote-controller.ts'
import type { ControllerClient } from '../../../src/app/cli/session.ts'
import type { FileServer } from '../../fixtures/upstream/index.ts'
import { findLeftovers } from './find-leftovers.ts'
import { serveFolders } from './folder-server.ts'
import { freePort } from './free-port.ts'
import { createRandom } from './random.ts'
import { createSiteClone, type SiteClone } from './site-clone.ts'
import { waitFor } from './wait-for-run.ts'
import { openWorkspace } from './workspace.ts'

/** What is of a format when controllers are killed. */
export interface KilledFormat {
  /** Name of the one mirror of the sites. */
  mirror: string
  /** Of the upstream's packages, for faults. */
  packagesGlob: string
  /** Of what is in the package of that place, from 0: enough for an upload that outlives the process. */
  noiseBytes: (place: number) => number
  /** `files`: of a site whose mirror holds these packages. */
  startUpstream(packages: readonly { name: string; noise: Buffer }[]): Promise<{
    server: FileServer
    files: (list: readonly string[]) => Record<string, string>
  }>
  /** A real client of the mirror at that controller. */
  createClient(folder: string, url: string): Promise<WatchingClient>
}

export interface WatchingClient {
  /** Reads what is published anew. What is wrong with content is a failure; that the server is away is not. */
  look(): Promise<{ isUp: boolean; failures: string[] }>
  /** Gets these packages; answers how many came. */
  fetch(names: readonly string[]): Promise<{ count: number; output: string }>
}

/** Each kill ends a process that has this many controllers, which are at different moments of their work. */
const lanes = 5
const names = Array.from({ length: 40 }, (_, index) => `pkg${String(index + 1).padStart(2, '0')}`)

interface Work {
  format: KilledFormat
  files: (list: readonly string[]) => Record<string, string>
}

/** One controller, its site, and what is known of it. */
interface Lane {
  dataFolder: string
  port: number
  url: string
  token: string
  site: SiteClone
  commits: number
  published: number
  mirror: string
}

/**
 * Kills controllers at so many random moments of stage and switch while clients look all along. In the end each commit
 * was published once, clients have all of it, and nothing is left over.
 */
export async function surviveKills(
  format: KilledFormat,
  { kills, seed }: { kills: number; seed: number },
): Promise<void> {
  const random = createRandom(seed)
  const noise = (length: number) => Buffer.from(Uint8Array.from({ length }, () => random.below(256)))
  await using workspace = await openWorkspace()
  const packages = names.map((name, place) => ({ name, noise: noise(format.noiseBytes(place)) }))
  const { server: upstream, files } = await format.startUpstream(packages)
  const work: Work = { format, files }
  try {
    const all: Lane[] = []
    for (let number = 1; number <= lanes; number++) {
      const port = await freePort()
      const dataFolder = workspace.path(`data${number}`)
      const site = await createSiteClone(workspace.path(`site${number}`))
      all.push({
        dataFolder,
        port,
        url: `http://127.0.0.1:${port}`,
        token: '',
        site,
        commits: 0,
        published: 0,
        mirror: format.mirror,
      })
    }
    const serve = () => serveFolders(all, workspace.path('compiled'))
    const clients: WatchingClient[] = []
    const first = serve()
    await first.ready
    for (const lane of all) {
      await commitNext(lane, work)
      lane.token = (await readFile(join(lane.dataFolder, 'admin-token'), 'utf8')).trim()
      expect(await lane.site.push(lane)).toMatchObject({ accepted: true })
      await waitFor('the first publication', () => isUpToDate(lane))
      const client = await format.createClient(workspace.path(`client${lane.port}`), lane.url)
      expect(await client.look()).toEqual({ isUp: true, failures: [] })
      clients.push(client)
    }
    expect(await first.stop()).toBe(0)
    upstream.fault(format.packagesGlob, { kind: 'drip', bytesPerSecond: 3_000_000 })

    const done = new AbortController()
    const watching = watch(clients, done.signal)
    try {
      // A download must have been cut off at least once: if chance would have none so far, it goes on.
      for (let count = 0; count < kills || (count < 2 * kills && resumed(upstream) === 0); count += lanes) {
        await giveWork(all, work)
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
      expect(await clientOf(lane).verify(format.mirror)).toEqual([])
      const client = clients[index]!
      expect(await client.look()).toEqual({ isUp: true, failures: [] })
      const { count, output } = await client.fetch(names.slice(0, lane.commits))
      expect(count, output).toBe(lane.commits)
    }
    expect(await last.stop()).toBe(0)
    const commits = all.map((lane) => lane.commits)
    console.log(
      `${kills} kills, commits ${commits.join('+')}, ${format.mirror}: clients looked ${rounds} times, ${succeeded} while up; ${resumed(upstream)} downloads went on where they were cut off`,
    )

    for (const lane of all) {
      expectOnePublicationEach(join(lane.dataFolder, 'larder.db'), lane.commits)
      expect(await findLeftovers(lane.dataFolder)).toEqual([])
      expect((await readdir(lane.dataFolder)).sort()).toEqual(dataFolderNames)
    }
    expect(Math.min(...commits)).toBeGreaterThan(1)
    expect(resumed(upstream)).toBeGreaterThan(0)
  } finally {
    await upstream.close()
  }
}

/** How many downloads went on where one was cut off, as the upstream saw it. */
function resumed({ requests }: FileServer): number {
  return requests.filter(({ range = '', status }) => status === 206 && !/^bytes=0*-/.test(range)).length
}

/** As docs/design.md draws it, with nothing running. */
const dataFolderNames = [
  ...['admin-token', 'blobs', 'cache', 'keys', 'larder.db', 'lock.db', 'registry-token-key', 'site.git', 'uploads'],
]

/** One package more. */
async function commitNext(lane: Lane, { files }: Work): Promise<void> {
  lane.commits++
  await lane.site.commit(files(names.slice(0, lane.commits)))
}

/** While it is down, as if it had been killed after a push: the next start has to notice. */
async function giveWork(all: readonly Lane[], work: Work): Promise<void> {
  for (const lane of all) {
    if (lane.published < lane.commits || lane.commits === names.length) continue
    await commitNext(lane, work)
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
    const { packageCount } = await clientOf(lane).mirror(lane.mirror)
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

/** Looks all along. */
async function watch(clients: readonly WatchingClient[], stop: AbortSignal) {
  const failures: string[] = []
  let rounds = 0
  let succeeded = 0
  for (; !stop.aborted; rounds++) {
    const seen = await clients[rounds % clients.length]!.look()
    if (seen.isUp) succeeded++
    failures.push(...seen.failures)
  }
  return { rounds, succeeded, failures }
}
