import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { JournalSync } from './journal-sync.ts'

let folder: string
let waits: { descriptor: number; end: (error?: Error) => void }[]
let journal: JournalSync
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-journal-'))
  await writeFile(join(folder, 'larder.db-wal'), '')
  waits = []
  journal = new JournalSync(join(folder, 'larder.db'), (descriptor) => {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    waits.push({ descriptor, end: (error) => (error === undefined ? resolve(undefined) : reject(error)) })
    return promise
  })
})
afterEach(async () => {
  await journal.close()
  await rm(folder, { recursive: true, force: true })
})

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('whoever comes while two are under way shares the next, never one of those', async () => {
  const done: string[] = []
  const wait = (name: string) => journal.durable().then(() => done.push(name))
  const first = wait('a')
  const others = [wait('b'), wait('c'), wait('d')]
  await turn()
  expect(waits.map(({ descriptor }) => descriptor)).toEqual([...new Set(waits.map(({ descriptor }) => descriptor))])
  expect(waits).toHaveLength(2)
  waits[0]?.end()
  await first
  await turn()
  expect([done, waits.length]).toEqual([['a'], 3])
  waits[2]?.end()
  await Promise.all(others.slice(1))
  expect(done).toEqual(['a', 'c', 'd'])
  waits[1]?.end()
  await Promise.all(others)
  const last = wait('e')
  await turn()
  expect([waits.length, new Set(waits.map(({ descriptor }) => descriptor)).size]).toEqual([4, 2])
  waits[3]?.end()
  await last
})

test.each([
  ['EIO', 'DATA_DAMAGED'],
  ['ENOSPC', 'DISK_FULL'],
])('after %s nothing counts as durable any more', async (code, expected) => {
  const [first, second, third] = [journal.durable(), journal.durable(), journal.durable()]
  const refused = Promise.all([
    expect(first).rejects.toMatchObject({ code: expected }),
    expect(third).rejects.toMatchObject({ code: expected }),
  ])
  waits[0]?.end(Object.assign(new Error('no'), { code }))
  await refused
  await expect(journal.durable()).rejects.toMatchObject({ code: expected })
  waits[1]?.end()
  await second
  expect(waits).toHaveLength(2)
})

test('waits for what is under way before it closes', async () => {
  const durable = journal.durable()
  let isClosed = false
  const closed = journal.close().then(() => (isClosed = true))
  await turn()
  expect(isClosed).toBe(false)
  waits[0]?.end()
  await Promise.all([durable, closed])
})
