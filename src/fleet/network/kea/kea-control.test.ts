import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isLarderError } from '../../../core/index.ts'
import { askKea } from './kea-control.ts'

let folder: string
let server: Server | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-kea-'))
})

afterEach(async () => {
  server?.close()
  server = undefined
  await rm(folder, { recursive: true })
})

/** A Kea that answers this to whatever it is asked; undefined: nothing, ever. */
async function answering(parts: readonly string[] | undefined): Promise<{ socket: string; asked: string[] }> {
  const socket = join(folder, 'socket')
  const asked: string[] = []
  server = createServer((connection) => {
    connection.on('error', () => {})
    connection.on('data', (data) => {
      asked.push(String(data))
      if (parts === undefined) return
      for (const part of parts) connection.write(part)
      connection.end()
    })
  })
  await new Promise<void>((resolve) => server?.listen(socket, resolve))
  return { socket, asked }
}

describe('askKea', () => {
  it('gives command and arguments, and reads an answer in parts', async () => {
    const { socket, asked } = await answering(['{"result":0,"te', 'xt":"yes","arguments":{"a":1}}'])
    const answer = await askKea(socket, 'config-set', { arguments: { Dhcp4: {} } })
    expect(answer).toEqual({ result: 0, text: 'yes', arguments: { a: 1 } })
    expect(asked.map((text) => JSON.parse(text) as unknown)).toEqual([
      { command: 'config-set', arguments: { Dhcp4: {} } },
    ])
  })

  it('says that nobody is there', async () => {
    expect(await askKea(join(folder, 'socket'), 'status-get')).toBeUndefined()
  })

  it.each([[['nonsense']], [['[]']], [['{"result":"0"}']], [['']], [['{"result":0']], [undefined]])(
    'does not believe %j',
    async (parts) => {
      const { socket } = await answering(parts)
      const failure = await askKea(socket, 'status-get', { timeoutMs: 300 }).catch((error: unknown) => error)
      expect(isLarderError(failure, 'FLEET_NETWORK_SERVER_FAILED')).toBe(true)
    },
  )
})
