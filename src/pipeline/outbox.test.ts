import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LarderError, silentLog } from '../core/index.ts'
import { FakeClock } from '../core/testing/fake-clock.ts'
import { openDatabase, type State } from '../state/index.ts'
import { createOutbox, type Outbox, type OutboxHandler } from './outbox.ts'

let state: State
let clock: FakeClock
let outbox: Outbox
let sent: unknown[]
let fail: (body: unknown) => void

const unreachable = (more: Record<string, unknown> = {}): LarderError =>
  new LarderError('FORGE_UNREACHABLE', { message: 'It does not answer.', context: more })

function open(handler?: OutboxHandler): Outbox {
  const status: OutboxHandler = async (body) => {
    await Promise.resolve()
    fail(body)
    sent.push(body)
  }
  const handlers = { status: handler ?? status, comment: handler ?? status }
  outbox = createOutbox({ state, clock, log: silentLog, handlers, random: () => 0.5 })
  outbox.start()
  return outbox
}

const add = (topic: string, body: unknown, recipient = 'forge'): Promise<void> =>
  outbox.enqueue({ kind: 'status', recipient, topic, body })

/** Time passes, and what is due is sent. */
async function after(durationMs: number): Promise<void> {
  clock.advance(durationMs)
  outbox.wake()
  await outbox.idle()
}

const rows = () => state.db.selectFrom('outbox').selectAll().orderBy('id').execute()

beforeEach(async () => {
  clock = new FakeClock()
  state = await openDatabase({ path: ':memory:', clock })
  sent = []
  fail = () => undefined
})
afterEach(async () => {
  await outbox.stop()
  await state.close()
})

it('sends what it is given, once', async () => {
  open()
  await add('a', { n: 1 })
  await add('b', { n: 2 })
  await outbox.idle()
  await after(3600_000)
  expect(sent).toEqual([{ n: 1 }, { n: 2 }])
  expect((await rows()).map((row) => [row.state, row.body])).toEqual([
    ['done', 'null'],
    ['done', 'null'],
  ])
})

it('sends the newest of a topic only, and later than the one that is under way', async () => {
  const gate = Promise.withResolvers<undefined>()
  const begun = Promise.withResolvers<undefined>()
  open(async (body) => {
    begun.resolve(undefined)
    await gate.promise
    sent.push(body)
  })
  await add('a', 1)
  await begun.promise
  await add('a', 2)
  await add('a', 3)
  gate.resolve(undefined)
  await outbox.idle()
  expect(sent).toEqual([1, 3])
})

it('waits longer each time, from 5 s to 1 h, and for three days', async () => {
  const at: number[] = []
  fail = () => {
    at.push(clock.now().getTime())
    throw unreachable()
  }
  open()
  await add('a', 1)
  await outbox.idle()
  for (let minute = 0; minute < 4 * 24 * 60; minute += 5) await after(300_000)
  const delays = at.slice(1).map((time, index) => time - (at[index] ?? 0))
  expect(Math.min(...delays)).toBe(300_000)
  expect(Math.max(...delays)).toBe(45 * 60_000)
  expect((at.at(-1) ?? 0) - (at[0] ?? 0)).toBeLessThan(3 * 24 * 3600_000 + 3600_000)
  expect(await rows()).toMatchObject([{ state: 'abandoned', reason: 'It does not answer.' }])
})

it.each([
  // Without a wish: three quarters of five seconds.
  [1000, 3749, 1],
  [1000, 3750, 2],
  [20_000, 19_999, 1],
  [20_000, 20_000, 2],
])(
  'heeds a forge that asks to wait for %d ms: after %d ms it was asked %d times',
  async (retryAfterMs, passed, times) => {
    let asked = 0
    fail = () => {
      asked++
      throw unreachable({ retryAfterMs })
    }
    open()
    await add('a', 1)
    await outbox.idle()
    await after(passed)
    expect(asked).toBe(times)
  },
)

it('is through with what waited as soon as one has come through', async () => {
  let isDown = true
  fail = () => {
    if (isDown) throw unreachable()
  }
  open()
  for (let topic = 0; topic < 20; topic++) await add(`topic ${topic}`, topic)
  for (let hour = 0; hour < 10; hour++) await after(3600_000)
  expect(sent).toEqual([])
  isDown = false
  await add('new', 'new')
  await outbox.idle()
  expect(sent).toHaveLength(21)
})

describe('several recipients', () => {
  it('one that does not answer holds up no other', async () => {
    const gate = Promise.withResolvers<undefined>()
    open(async (body) => {
      if (String(body).startsWith('silent')) await gate.promise
      sent.push(body)
    })
    for (let number = 0; number < 20; number++) await add(`silent ${number}`, `silent ${number}`, 'https://silent')
    await add('a', 'heard')
    await expect.poll(() => sent).toEqual(['heard'])
    fail = () => undefined
    gate.resolve(undefined)
    await outbox.idle()
    expect(sent).toHaveLength(21)
  })

  it('one that is down is not asked more often since another is up', async () => {
    const asked: unknown[] = []
    fail = (body) => {
      asked.push(body)
      if (body === 'down') throw unreachable()
    }
    open()
    await add('a', 'down', 'https://down')
    await outbox.idle()
    for (let number = 0; number < 5; number++) {
      await add('b', 'up')
      await outbox.idle()
    }
    expect(asked.filter((body) => body === 'down')).toHaveLength(1)
    await after(5000)
    expect(asked.filter((body) => body === 'down')).toHaveLength(2)
  })

  it('one that asks to wait is sent nothing else meanwhile, by whatever comes', async () => {
    const asked: unknown[] = []
    fail = (body) => {
      asked.push(body)
      throw unreachable({ retryAfterMs: 3600_000 })
    }
    open()
    for (let number = 0; number < 10; number++) await add(`topic ${number}`, number)
    await outbox.idle()
    const first = asked.length
    expect(first).toBeLessThanOrEqual(4)
    await add('later', 'later')
    await after(3599_999)
    expect(asked).toHaveLength(first)
    fail = () => undefined
    await after(1)
    expect(sent).toHaveLength(11)
  })
})

describe('what does not pass', () => {
  it.each([
    [new LarderError('FORGE_REFUSED', { message: 'No such commit.', context: { status: 422 } }), 'abandoned'],
    [new LarderError('FORGE_REFUSED', { message: 'Bad token.', context: { status: 401 } }), 'waiting'],
    [new Error('a bug'), 'abandoned'],
  ])('%s', async (error, expected) => {
    fail = () => {
      throw error
    }
    open()
    await add('a', 1)
    await add('b', 1)
    await outbox.idle()
    expect((await rows()).map((row) => row.state)).toEqual([expected, expected])
  })
})

it('goes on after a restart, with what was being sent', async () => {
  open(async (_body, signal) => {
    await new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(unreachable()))
    })
  })
  await add('a', 1)
  await add('b', 2)
  await outbox.stop()
  expect((await rows()).map(({ state: kept, attempts }) => [kept, attempts])).toEqual([
    ['waiting', 0],
    ['waiting', 0],
  ])
  open()
  await outbox.idle()
  expect(sent).toEqual([1, 2])
})

it('tries at once after a restart what had failed: a token may have been mended', async () => {
  fail = () => {
    throw new LarderError('FORGE_REFUSED', { message: 'Bad token.', context: { status: 401, retryAfterMs: 3600_000 } })
  }
  open()
  await add('a', 1)
  await outbox.stop()
  fail = () => undefined
  open()
  await outbox.idle()
  expect(sent).toEqual([1])
})

it('does nothing until it is started', async () => {
  const handlers = {
    status: async (body: unknown) => {
      await Promise.resolve()
      sent.push(body)
    },
  }
  outbox = createOutbox({ state, clock, log: silentLog, handlers })
  await add('a', 1)
  await outbox.idle()
  expect(sent).toEqual([])
})

it('tells what waits for long, and forgets what was settled', async () => {
  fail = (body) => {
    if (body === 'stuck') throw unreachable()
  }
  open()
  await add('a', 'stuck')
  await add('b', 'good')
  await outbox.idle()
  clock.advance(3600_001)
  await add('c', 'stuck')
  const hourAgo = new Date(clock.now().getTime() - 3600_000)
  expect((await outbox.waitingSince(hourAgo)).map(({ topic, reason }) => [topic, reason])).toEqual([
    ['a', 'It does not answer.'],
  ])
  expect(await outbox.prune(hourAgo)).toBe(1)
  expect(await outbox.newestOf('b')).toBeUndefined()
  expect(await outbox.newestOf('c')).toEqual(clock.now())
})

it('brings the last word of every topic, whatever fails in between', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ topic: fc.integer({ min: 0, max: 4 }), fails: fc.boolean() }), { maxLength: 25 }),
      async (steps) => {
        await state.db.deleteFrom('outbox').execute()
        sent = []
        let fails = false
        fail = () => {
          if (fails) throw unreachable()
        }
        open()
        for (const [index, step] of steps.entries()) {
          fails = step.fails
          await add(`topic ${step.topic}`, { topic: step.topic, index })
          if (index % 3 === 0) await outbox.idle()
        }
        fails = false
        for (let hour = 0; hour < 3; hour++) await after(3600_000)
        const words = sent as { topic: number; index: number }[]
        for (const topic of new Set(steps.map((step) => step.topic))) {
          const said = words.filter((word) => word.topic === topic).map(({ index }) => index)
          expect(said).toEqual(said.toSorted((a, b) => a - b))
          expect(said.at(-1)).toBe(steps.findLastIndex((step) => step.topic === topic))
        }
        await outbox.stop()
      },
    ),
    { numRuns: 40 },
  )
})
