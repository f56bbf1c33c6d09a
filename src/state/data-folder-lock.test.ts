import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { lockDataFolder } from './index.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-lock-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const holdLock = `
  const { lockDataFolder } = await import(process.argv[1])
  await lockDataFolder(process.argv[2])
  process.stdout.write('locked')
  setInterval(() => {}, 1000)
`

it('is held by one process, named in the refusal, until that dies', async () => {
  const module = new URL('./index.ts', import.meta.url).href
  const child = spawn(process.execPath, ['--input-type=module', '-e', holdLock, module, folder])
  try {
    await once(child.stdout, 'data')
    await expect(lockDataFolder(folder)).rejects.toMatchObject({ code: 'DATA_IN_USE', context: { pid: child.pid } })
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const lock = await lockDataFolder(folder)
  await lock.release()
  expect(await readdir(folder)).toEqual([])
})

it.each([
  [
    'a process id that another program has now',
    JSON.stringify({ pid: process.ppid, startedAt: 'another boot/1', nonce: '' }),
  ],
  ['a process id that nobody has', JSON.stringify({ pid: 4_194_304, startedAt: '', nonce: '' })],
  ['nothing that can be understood', 'garbage'],
  ['nothing', ''],
])('takes over a lock with %s', async (_, content) => {
  await writeFile(join(folder, 'lock'), content)
  const lock = await lockDataFolder(folder)
  await expect(lockDataFolder(folder)).rejects.toMatchObject({ code: 'DATA_IN_USE' })
  await lock.release()
})

it('lets one of many in, over a stale lock too', async () => {
  await writeFile(join(folder, 'lock'), '')
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => lockDataFolder(folder)))
  expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1)
})

it('clears away what killed starters have left, and nothing of those that live', async () => {
  const name = (digit: string): string => `lock.${digit.repeat(8)}-0000-4000-8000-${digit.repeat(12)}`
  await writeFile(join(folder, name('1')), '')
  await writeFile(join(folder, name('2')), JSON.stringify({ pid: 4_194_304, startedAt: 'x/1', nonce: '' }))
  await writeFile(join(folder, 'lock.txt'), '')
  const lock = await lockDataFolder(folder)
  expect((await readdir(folder)).sort()).toEqual(['lock', 'lock.txt'])
  await lock.release()
})
