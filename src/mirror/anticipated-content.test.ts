import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { digestOf, LarderError, systemClock, type KindContext } from '../core/index.ts'
import { createPublisher, writeTree, type Publisher } from '../publish/index.ts'
import type { LeaseId } from '../store/index.ts'
import { openMemoryStore, type MemoryStore } from '../store/testing/index.ts'
import { AnticipatedContents } from './anticipated-content.ts'
import type { AnyFormat, FormatContext, Resolution } from './format.ts'
import type { MakingChange } from './mirror-content.ts'
import type { MirrorKindOptions } from './mirror-kind.ts'

let room: MemoryStore
let publisher: Publisher
let lease: LeaseId
let contents: AnticipatedContents
let abort: AbortController
/** What the format was asked, in order: each call at its begin and its end. */
let calls: string[]
/** Waits before each call ends. */
let hold: Map<string, Promise<undefined>>
let failures: Map<string, Error>
let readsPackages: boolean
let heard: string[]

beforeEach(async () => {
  room = await openMemoryStore()
  publisher = createPublisher(room)
  lease = await room.leases.acquire('run/1')
  contents = new AnticipatedContents({ ...room, publisher, clock: systemClock } as unknown as MirrorKindOptions)
  abort = new AbortController()
  calls = []
  hold = new Map()
  failures = new Map()
  readsPackages = false
  heard = []
})
afterEach(async () => {
  vi.useRealTimers()
  await room[Symbol.asyncDispose]()
})

async function call(name: string, { signal }: FormatContext): Promise<void> {
  calls.push(`${name} begins`)
  const stopped = new Promise((resolve) => signal.addEventListener('abort', resolve))
  await Promise.race([hold.get(name), hold.has(name) ? stopped : undefined])
  calls.push(`${name} ends`)
  signal.throwIfAborted()
  const failure = failures.get(name)
  failures.delete(name)
  if (failure !== undefined) throw failure
}

const format = {
  name: 'apt',
  readsPackages: () => readsPackages,
  async stagePackages(context: FormatContext, _loaded: unknown, { resolution }: { resolution: Resolution }) {
    context.progress.log('fetching')
    await call('fetch', context)
    context.progress.transfer({ label: 'x', doneBytes: 1, totalBytes: 1, doneItems: 1, totalItems: 1 })
    return resolution
  },
  async compose(context: FormatContext) {
    await call('compose', context)
    const tree = await writeTree(room.store, context.lease, [])
    return { tree: tree.digest, meta: { format: 'apt' } }
  },
} as unknown as AnyFormat

function changeTo(inputs: string, resolution: Resolution = { packages: [], notes: [] }): MakingChange {
  const observed = { format, loaded: 'upstream', publishedInputs: 'before', publishedPackages: [], request: {} }
  const detail = { mirror: 'base', inputs, added: [], removed: [], changed: [], notes: [], fetchBytes: 0 }
  return { detail, work: { observed, resolution, comingCount: 0 } } as unknown as MakingChange
}

function context(): KindContext {
  const progress = {
    log: (line: string) => heard.push(line),
    transfer: ({ doneItems }: { doneItems: number }) => heard.push(`${doneItems} done`),
  }
  return { progress, signal: abort.signal, freshForMs: 0, runId: '1' } as unknown as KindContext
}

const make = (change: MakingChange): Promise<string> =>
  contents.make(context(), change, lease, ({ tree }) => Promise.resolve(tree))

const once = ['fetch begins', 'compose begins', 'fetch ends', 'compose ends']
const inOrder = ['fetch begins', 'fetch ends', 'compose begins', 'compose ends']

describe('making a content', () => {
  it.each([
    ['at once where compose reads no packages', false, once],
    ['one after the other where it does', true, inOrder],
  ])('%s', async (_, reads, expected) => {
    readsPackages = reads
    await make(changeTo('a'))
    expect(calls).toEqual(expected)
  })

  it.each(['fetch', 'compose'])('fails when both have ended: %s', async (name) => {
    failures.set(name, new LarderError('DISK_FULL', { message: name }))
    const { promise: opened, resolve: open } = Promise.withResolvers<undefined>()
    hold.set(name === 'fetch' ? 'compose' : 'fetch', opened)
    const made = make(changeTo('a'))
    const settled = vi.fn()
    void made.then(settled, settled)
    await expect.poll(() => calls).toContain(`${name} ends`)
    expect(settled).not.toHaveBeenCalled()
    open(undefined)
    await expect(made).rejects.toThrow(name)
    expect(calls.toSorted()).toEqual(once.toSorted())
  })
})

describe('what was begun before anybody asked', () => {
  it('is taken, once, and its progress is told then', async () => {
    const change = changeTo('a')
    contents.begin(context(), change)
    await expect.poll(() => calls).toEqual(once)
    expect(heard).toEqual([])
    const tree = await make(change)
    expect(tree).toBe((await writeTree(room.store, lease, [])).digest)
    expect([calls, heard]).toEqual([once, ['fetching', '1 done']])
    await make(change)
    expect(calls).toEqual([...once, ...once])
  })

  it.each<[string, (change: MakingChange) => MakingChange | Promise<MakingChange>]>([
    ['of another list', () => changeTo('b')],
    ['of another resolution', ({ detail }) => changeTo(detail.inputs, { packages: [], notes: ['x'] })],
    [
      'of what is not published any more',
      async (change) => {
        await publish()
        return change
      },
    ],
  ])('is stopped and made anew, never beside it: %s', async (_, other) => {
    const change = changeTo('a', { packages: [], notes: [] })
    hold.set('compose', new Promise(() => {}))
    contents.begin(context(), change)
    await expect.poll(() => calls).toContain('fetch ends')
    const asked = await other(change)
    hold.clear()
    await make(asked)
    expect(calls).toEqual([...['fetch begins', 'compose begins', 'fetch ends', 'compose ends'], ...once])
  })

  it('is made anew when it has failed, and only that failure counts', async () => {
    const change = changeTo('a')
    failures.set('fetch', new Error('first'))
    contents.begin(context(), change)
    await expect.poll(() => calls).toEqual(once)
    failures.set('fetch', new Error('second'))
    await expect(make(change)).rejects.toThrow('second')
  })

  it('ends when the run that waits for it is cancelled', async () => {
    const change = changeTo('a')
    hold.set('fetch', new Promise(() => {}))
    contents.begin(context(), change)
    await expect.poll(() => calls).toContain('compose ends')
    const made = make(change)
    abort.abort(new LarderError('CANCELLED', { message: 'stop' }))
    await expect(made).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  it('keeps its blobs until what is made of them is kept', async () => {
    const change = changeTo('a')
    contents.begin(context(), change)
    await contents.make(context(), change, lease, async ({ tree }) => {
      expect(await room.leases.held([tree])).toEqual(new Set([tree]))
    })
    expect(await room.leases.live()).toEqual(new Set([lease]))
  })

  it('is not begun while a stage of the mirror is at work, nor twice', async () => {
    await contents.make(context(), changeTo('a'), lease, () => {
      contents.begin(context(), changeTo('b'))
      return Promise.resolve()
    })
    contents.begin(context(), changeTo('c'))
    contents.begin(context(), changeTo('d'))
    await expect.poll(() => calls).toEqual([...once, ...once])
  })

  it('is dropped when nobody asks for it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    contents.begin(context(), changeTo('a'))
    await vi.waitFor(
      () => {
        expect(calls).toEqual(once)
      },
      { timeout: 15_000 },
    )
    expect((await room.leases.live()).size).toBe(2)
    await vi.advanceTimersByTimeAsync(60_000)
    vi.useRealTimers()
    await expect.poll(() => room.leases.live()).toEqual(new Set([lease]))
    contents.begin(context(), changeTo('b'))
    await expect.poll(() => calls).toEqual([...once, ...once])
  })
})

async function publish(): Promise<void> {
  const bytes = Buffer.from('x')
  await room.store.write(lease, bytes)
  const tree = await writeTree(room.store, lease, [
    { path: 'file', sizeBytes: 1, digest: digestOf(bytes), stable: false },
  ])
  const { number } = await publisher.addSnapshot({ mirror: 'base', tree: tree.digest, origin: 'test', meta: {} })
  await publisher.promote({ mirror: 'base', number, sealer: { seal: () => Promise.resolve({ entries: [] }) } })
}
