import { createHmac, randomInt } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startUpstream } from '../fixtures/upstream/index.ts'
import { startControllerChild, type ControllerChild } from './support/controller-child.ts'
import { freePort } from './support/free-port.ts'
import { createRandom } from './support/random.ts'
import { createSiteClone } from './support/site-clone.ts'
import { larderYaml, packageList } from './support/site-text.ts'
import { waitFor } from './support/wait-for-run.ts'
import { openWorkspace } from './support/workspace.ts'

/** A sixth of these are sent a second time, and all in no order. */
const deliveries = Number(process.env['LARDER_DELIVERIES'] ?? 20_000)
const seed = Number(process.env['LARDER_SEED'] ?? randomInt(2 ** 31))
const random = createRandom(seed)
const senders = 24
/** However quick the machine is: each life of the controller gets a part of them, and the last what is left. */
const lives = 8
const secret = 'storm-secret'
const names = Array.from({ length: 60 }, (_, index) => `pkg${String(index + 1).padStart(2, '0')}`)

it(`keeps ${deliveries} deliveries through kill -9 every second (LARDER_SEED=${seed})`, async () => {
  await using workspace = await openWorkspace()
  const upstream = await startUpstream({
    suites: [{ suite: 'stable', packages: names.map((name) => ({ name, version: '1.0' })) }],
  })
  try {
    const forge = await createSiteClone(workspace.path('forge'))
    const commits: string[] = []
    const commitNext = async (): Promise<void> => {
      const list = packageList(names.slice(0, commits.length + 1))
      const files = { 'larder.yaml': larderYaml({ test: upstream.url }, { base: {} }), 'keys/test.asc': upstream.key }
      commits.push(await forge.commit({ ...files, 'packages.json': list }))
    }
    await commitNext()
    const [dataFolder, port] = [workspace.path('data'), await freePort()]
    const [config, secrets] = [workspace.path('controller.yaml'), workspace.path('secrets')]
    const site = { type: 'github', url: `file://${forge.folder}`, repository: 'campus/site', pollSeconds: 0 }
    // Nobody is at the address of the API: deliveries alone bring the news.
    const settings = { ...site, api: 'http://127.0.0.1:9', secretsFile: secrets }
    await writeFile(secrets, `${secret}\n`, { mode: 0o600 })
    await writeFile(config, JSON.stringify({ forge: settings }))
    const start = (): Promise<ControllerChild> => startControllerChild({ dataFolder, port, args: ['--config', config] })

    const storm = createStorm(port, commits)
    let controller = await start()
    const sending = storm.send()
    let kills = 0
    try {
      while (!storm.isOver()) {
        await new Promise((resolve) => setTimeout(resolve, 1000))
        await controller.kill()
        kills++
        if (commits.length < names.length) await commitNext()
        controller = await start()
        storm.nextLife()
      }
      await sending
      expect(kills).toBeGreaterThanOrEqual(lives - 1)
      const head = commits.at(-1)
      // What came last may have been about an older commit that is gone from main by now: one more says so.
      await storm.deliver('the-last', head!)
      await waitFor('the head to be applied', async () => {
        const runs = await controller.client.runs({ limit: 5 })
        return runs.every((run) => run.finishedAt !== undefined) && runs[0]?.commit === head ? true : undefined
      })
      await waitFor('all to be settled', async () => {
        const list = await controller.client.deliveries({ limit: 200 })
        return list.every(({ state }) => state !== 'waiting') ? true : undefined
      })
    } finally {
      storm.stop()
      await controller.stop()
    }
    console.log(
      `${storm.acknowledged.size} deliveries, ${storm.sent()} answers, ${kills} kills, ${commits.length} commits`,
    )
    expectKept(join(dataFolder, 'larder.db'), storm.acknowledged)
    expectAppliedInOrder(join(dataFolder, 'larder.db'), commits)
    expect((await readFile(secrets, 'utf8')).trim()).toBe(secret)
  } finally {
    await upstream.close()
  }
})

/** Sends all of them, each until it is acknowledged, as somebody who presses "redeliver" would. */
function createStorm(port: number, commits: readonly string[]) {
  const ids = Array.from({ length: Math.ceil(deliveries / 1.2) }, (_, index) => `storm-${index}`)
  const again = ids.slice(0, deliveries - ids.length)
  const queue = shuffled([...ids, ...again])
  const acknowledged = new Set<string>()
  let [sent, isStopped] = [0, false]
  let allowed = Math.ceil(deliveries / lives)
  const deliver = async (id: string, commit: string): Promise<void> => {
    const body = JSON.stringify({ ref: 'refs/heads/main', after: commit, repository: { full_name: 'campus/site' } })
    const headers = {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-delivery': id,
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    }
    for (; !isStopped; await new Promise((resolve) => setTimeout(resolve, 50))) {
      // It is not there for a while, or goes away before it has answered.
      const answer = await fetch(`http://127.0.0.1:${port}/hooks/github`, { method: 'POST', headers, body }).catch(
        () => undefined,
      )
      if (answer === undefined) continue
      await answer.arrayBuffer().catch(() => undefined)
      if (answer.status !== 202 && answer.status !== 200) throw new Error(`${id} was answered with ${answer.status}`)
      acknowledged.add(id)
      sent++
      return
    }
  }
  const mustWait = (): boolean => allowed <= 0 && !isStopped
  const send = async (): Promise<void> => {
    for (let id = queue.pop(); id !== undefined && !isStopped; id = queue.pop()) {
      while (mustWait()) await new Promise((resolve) => setTimeout(resolve, 20))
      allowed--
      await deliver(id, commits[random.below(commits.length)]!)
    }
  }
  return {
    acknowledged,
    sent: () => sent,
    nextLife: () => {
      allowed += Math.ceil(deliveries / lives)
    },
    isOver: () => queue.length === 0,
    deliver,
    stop: () => {
      isStopped = true
    },
    send: () => Promise.all(Array.from({ length: senders }, send)),
  }
}

function shuffled<T>(items: T[]): T[] {
  for (let index = items.length - 1; index > 0; index--) {
    const other = random.below(index + 1)
    ;[items[index], items[other]] = [items[other]!, items[index]!]
  }
  return items
}

/** Each once, whatever was acknowledged; and nothing waits. */
function expectKept(path: string, acknowledged: ReadonlySet<string>): void {
  using database = new DatabaseSync(path)
  expect(database.prepare('PRAGMA integrity_check').all()).toMatchObject([{ integrity_check: 'ok' }])
  const rows = database.prepare('SELECT delivery_id AS id, state FROM events').all()
  const kept = new Set(rows.map((row) => String(row['id'])))
  expect(kept.size).toBe(rows.length)
  expect([...acknowledged].filter((id) => !kept.has(id)).slice(0, 10)).toEqual([])
  expect(rows.filter((row) => row['state'] === 'waiting')).toEqual([])
}

/** No commit twice, and none after one that came later in the branch. */
function expectAppliedInOrder(path: string, commits: readonly string[]): void {
  using database = new DatabaseSync(path)
  const runs = database
    .prepare("SELECT commit_id AS id, state FROM runs WHERE goal = 'apply' ORDER BY runs.id")
    .all()
    .map((row) => ({ place: commits.indexOf(String(row['id'])), state: row['state'] }))
  const places = runs.map(({ place }) => place)
  expect(places).toEqual([...new Set(places)].sort((a, b) => a - b))
  expect(places.at(-1)).toBe(commits.length - 1)
  expect(runs.filter(({ state }) => state !== 'succeeded' && state !== 'superseded')).toEqual([])
  const publications = database
    .prepare('SELECT generation, snapshot_number AS snapshot FROM publications ORDER BY 1')
    .all()
  const expected = publications.map((_, index) => ({ generation: index + 1, snapshot: index + 1 }))
  expect(publications.map((row) => ({ ...row }))).toEqual(expected)
  expect(publications.length).toBe(runs.filter(({ state }) => state === 'succeeded').length)
}
