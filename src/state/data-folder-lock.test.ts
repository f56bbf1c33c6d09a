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
  expect(await readdir(folder)).toEqual(['lock.db'])
})

it.each([
  ['a process id that another program has now', JSON.stringify({ pid: process.ppid })],
  ['a process id that nobody has', JSON.stringify({ pid: 4_194_304 })],
  ['nothing that can be understood', 'garbage'],
  ['nothing', ''],
])('is not kept by a file that names %s', async (_, content) => {
  await writeFile(join(folder, 'lock'), content)
  const lock = await lockDataFolder(folder)
  await expect(lockDataFolder(folder)).rejects.toMatchObject({ code: 'DATA_IN_USE', context: { pid: process.pid } })
  await lock.release()
})

it('lets one of many in, and the next after its release', async () => {
  for (let round = 0; round < 5; round++) {
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => lockDataFolder(folder)))
    const locks = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    expect(locks).toHaveLength(1)
    await locks[0]!.release()
  }
})
