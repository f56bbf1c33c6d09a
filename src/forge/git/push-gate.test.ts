import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createPushGate, type PushGate } from './push-gate.ts'

let root: string
let before: string | undefined
const gates: PushGate[] = []
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'larder-gate-'))
  before = process.env['TMPDIR']
  process.env['TMPDIR'] = root
})
afterEach(async () => {
  await Promise.all(gates.splice(0).map((gate) => gate.close()))
  if (before === undefined) delete process.env['TMPDIR']
  else process.env['TMPDIR'] = before
  rmSync(root, { recursive: true, force: true })
})

async function open(repository = '/srv/site.git'): Promise<string> {
  const gate = await createPushGate({
    repository,
    check: async () => ({ accepted: false }),
    pushed: async () => {},
    onFault: () => {},
  })
  gates.push(gate)
  return gate.admit().environment['LARDER_PUSH_GATE'] ?? ''
}

async function answers(address: string): Promise<boolean> {
  const socket = connect(address)
  await once(socket, 'connect')
  socket.destroy()
  return true
}

const killed = `import { createPushGate } from ${JSON.stringify(new URL('push-gate.ts', import.meta.url).href)}
await createPushGate({ repository: '/srv/site.git' })
console.log('open')
setInterval(() => {}, 1000)`

it('what a killed controller has left is used again, and goes', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', killed], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  const [left] = readdirSync(root)
  child.kill('SIGKILL')
  await once(child, 'close')
  const address = await open()
  expect(readdirSync(root)).toEqual([left])
  expect(await answers(address)).toBe(true)
  await gates.pop()?.close()
  expect(readdirSync(root)).toEqual([])
})

it('what somebody listens at, and what is no folder of ours, is left alone', async () => {
  const first = await open()
  const second = await open()
  expect(second).not.toBe(first)
  expect(await Promise.all([answers(first), answers(second)])).toEqual([true, true])
  await Promise.all(gates.splice(0).map((gate) => gate.close()))
  writeFileSync(dirname(first), 'of somebody else')
  const third = await open()
  expect(dirname(third)).not.toBe(dirname(first))
  expect(existsSync(dirname(first))).toBe(true)
})
