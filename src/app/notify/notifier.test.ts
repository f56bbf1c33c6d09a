import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LarderError, silentLog } from '../../core/index.ts'
import { FakeClock } from '../../core/testing/fake-clock.ts'
import type { HttpSend } from '../../forge/index.ts'
import { createOutbox, type Outbox } from '../../pipeline/index.ts'
import type { Publication } from '../../publish/index.ts'
import { openDatabase, type State } from '../../state/index.ts'
import type { ListenerConfig } from '../config/controller-config.ts'
import { createNotificationHandler, createNotifier, type Notifier } from './notifier.ts'
import { createPublicationWatch } from './publication-watch.ts'

const chat = 'http://chat.example.org/hook'
let root: string
let state: State
let clock: FakeClock
let outbox: Outbox
let notifier: Notifier
let sent: { url: string; headers: Record<string, string>; body: string }[]
let status: number

const listener = (more: Partial<ListenerConfig> = {}): ListenerConfig => ({
  url: chat,
  secretFile: 'notify-secret',
  events: ['run.finished'],
  ...more,
})

async function open(listeners: readonly ListenerConfig[]): Promise<void> {
  const send: HttpSend = ({ url, headers, body = '' }) => {
    sent.push({ url, headers, body })
    return Promise.resolve({ status, headers: {}, text: '' })
  }
  const now = () => clock.now()
  const notification = await createNotificationHandler({ listeners, root, send, now })
  outbox = createOutbox({ state, clock, log: silentLog, handlers: { notification } })
  outbox.start()
  notifier = createNotifier({ listeners, outbox, now })
}

const rows = () => state.db.selectFrom('outbox').select(['state', 'reason']).orderBy('id').execute()

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'larder-notify-'))
  // The judge looks at the clock of this machine.
  clock = new FakeClock(new Date().toISOString())
  state = await openDatabase({ path: ':memory:', clock })
  sent = []
  status = 204
})
afterEach(async () => {
  await outbox.stop()
  await state.close()
  await rm(root, { recursive: true })
})

it('tells those who asked for it, signed as Standard Webhooks are', async () => {
  const other = 'http://other.example.org/hook'
  await open([listener(), listener({ url: other, events: ['publication.switched'] })])
  await notifier.notify('run.finished', { run: { id: 17, branch: 'größe' } })
  await outbox.idle()
  expect(sent.map(({ url }) => url)).toEqual([chat])
  const secret = (await readFile(join(root, 'notify-secret'), 'utf8')).trim()
  const heard = new Webhook(secret).verify(sent[0]?.body ?? '', sent[0]?.headers ?? {})
  expect(heard).toEqual({
    type: 'run.finished',
    timestamp: clock.now().toISOString(),
    data: { run: { id: 17, branch: 'größe' } },
  })
  expect((await stat(join(root, 'notify-secret'))).mode & 0o777).toBe(0o600)
})

it('signs with every secret, so that a listener can be given a new one', async () => {
  const secrets = [1, 2].map((byte) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`)
  await writeFile(join(root, 'notify-secret'), `${secrets.join('\n')}\n`)
  await open([listener()])
  await notifier.notify('run.finished', {})
  await outbox.idle()
  for (const secret of secrets) {
    expect(() => new Webhook(secret).verify(sent[0]?.body ?? '', sent[0]?.headers ?? {})).not.toThrow()
  }
})

it('tries again with the same number and a signature of that time', async () => {
  await open([listener()])
  status = 500
  await notifier.notify('run.finished', {})
  await outbox.idle()
  status = 200
  clock.advance(60_000)
  outbox.wake()
  await outbox.idle()
  expect(sent).toHaveLength(2)
  const [first, second] = sent
  expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id'])
  expect(Number(second?.headers['webhook-timestamp']) - Number(first?.headers['webhook-timestamp'])).toBe(60)
  expect(await rows()).toMatchObject([{ state: 'done' }])
})

it('none replaces another', async () => {
  await open([listener()])
  status = 503
  await notifier.notify('run.finished', { run: 1 })
  await notifier.notify('run.finished', { run: 2 })
  await outbox.idle()
  expect((await rows()).map((row) => row.state)).toEqual(['waiting', 'waiting'])
})

it.each([
  ['a listener says that it is gone', [listener()], 410],
  ['it was taken out of the configuration', [], 200],
])('gives up when %s', async (_why, later, answer) => {
  await open([listener()])
  await outbox.stop()
  await notifier.notify('run.finished', {})
  status = answer
  await open(later)
  await outbox.idle()
  expect(await rows()).toMatchObject([{ state: 'abandoned' }])
})

it.each(['', 'secret', 'whsec_', `whsec_${Buffer.alloc(8).toString('base64')}`, 'whsec_!!!'])(
  'refuses a secret that is none: %j',
  async (text) => {
    await open([])
    await writeFile(join(root, 'notify-secret'), text)
    const made = createNotificationHandler({
      listeners: [listener()],
      root,
      send: () => Promise.reject(new LarderError('INTERNAL', { message: 'not asked' })),
      now: () => clock.now(),
    })
    await expect(made).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  },
)

describe('publications that were switched to', () => {
  const publication = (mirror: string, generation: number) => ({ mirror, generation }) as Publication
  let current: Publication[]
  let kept: Publication[]
  let told: string[]
  const watch = () =>
    createPublicationWatch({
      state,
      current: () => Promise.resolve(current),
      kept: (mirror) => Promise.resolve([...current, ...kept].filter((one) => one.mirror === mirror)),
      onSwitched: ({ mirror, generation }, before) => {
        told.push(`${mirror} ${before ?? 'new'} -> ${generation}`)
        return Promise.resolve()
      },
    })

  it('are told once, across restarts, and not those from before there was anybody to tell', async () => {
    await open([])
    told = []
    kept = []
    current = [publication('base', 3)]
    await watch().look()
    current = [publication('base', 4), publication('el9', 1)]
    const one = watch()
    await Promise.all([one.look(), one.look()])
    current = [publication('el9', 1)]
    await watch().look()
    current = [publication('base', 5), publication('el9', 1)]
    await watch().look()
    await watch().look()
    expect(told).toEqual(['base 3 -> 4', 'el9 new -> 1', 'base 4 -> 5'])
  })

  it('are told one by one when several came within a look, but for those that are not kept any more', async () => {
    await open([])
    told = []
    kept = [publication('base', 2), publication('base', 1)]
    current = [publication('base', 3), publication('el9', 8)]
    await watch().look()
    kept = [publication('base', 6), publication('base', 5), publication('base', 2), publication('deb', 1)]
    current = [publication('base', 7), publication('el9', 8), publication('deb', 2)]
    await watch().look()
    expect(told).toEqual(['base 3 -> 5', 'base 5 -> 6', 'base 6 -> 7', 'deb new -> 1', 'deb 1 -> 2'])
  })
})
