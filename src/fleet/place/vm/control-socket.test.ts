import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { askQemu } from './control-socket.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-qmp-'))
})
afterEach(() => rm(folder, { recursive: true }))

const greeting = '{"QMP":{"version":{},"capabilities":[]}}\n'
const event = '{"event":"RESUME","timestamp":{}}\n'

/** Greets, and says this to each command. */
async function listen(answers: readonly string[], greets = greeting) {
  const path = join(folder, 'control')
  const asked: unknown[] = []
  const server = createServer((socket: Socket) => {
    const left = [...answers]
    socket.on('error', () => {})
    socket.write(greets)
    createInterface({ input: socket }).on('line', (line) => {
      asked.push(JSON.parse(line))
      const answer = left.shift()
      if (answer === undefined) socket.destroy()
      else socket.write(answer)
    })
  })
  server.listen(path)
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    server.close()
    await once(server, 'close')
  }
  return { path, asked, [Symbol.asyncDispose]: close }
}

it('asks after the greeting, and hears the answer among events', async () => {
  await using qemu = await listen([`${event}{"return":{}}\n${event}`, `${event}{"return":{"status":"running"}}\n`])
  const command = { execute: 'ringbuf-read', arguments: { device: 'console' } }
  expect(await askQemu(qemu.path, command)).toEqual({ status: 'running' })
  expect(qemu.asked).toEqual([{ execute: 'qmp_capabilities' }, command])
})

it.each([
  ['says nothing', ''],
  ['greets, and says no more', greeting],
])('one that %s is not waited for any longer', async (_, greets) => {
  await using qemu = await listen(['', ''], greets)
  await expect(askQemu(qemu.path, { execute: 'query-status' }, 100)).rejects.toMatchObject({
    code: 'FLEET_MACHINE_FAILED',
    message: 'QEMU does not do query-status: it does not answer',
  })
})

it('nobody is there', async () => {
  expect(await askQemu(join(folder, 'none'), { execute: 'query-status' })).toBeUndefined()
})

it.each([
  [
    'it is refused',
    ['{"return":{}}\n', '{"error":{"class":"GenericError","desc":"no such device"}}\n'],
    /no such device/,
  ],
  ['it is broken off', ['{"return":{}}\n'], /does not answer/],
  ['it is broken off at once', [], /does not answer/],
  ['what it says is no answer', ['nonsense\n{"return":{}}\n'], /does not answer/],
])('%s', async (_, answers, why) => {
  await using qemu = await listen(answers)
  await expect(askQemu(qemu.path, { execute: 'query-status' })).rejects.toMatchObject({
    code: 'FLEET_MACHINE_FAILED',
    message: expect.stringMatching(why) as string,
  })
})
