import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { rememberAddress } from '../../last-address.ts'
import { found, useTestLarder } from '../../testing/doctored-larder.ts'

const start = useTestLarder()

it('address: removes what a killed controller left', async () => {
  const larder = await start()
  await writeFile(larder.dataFolder.address, JSON.stringify({ url: 'http://127.0.0.1:1', pid: 2 ** 30 }))
  expect(await found(larder, 'address', { fix: true })).toMatchObject([
    { message: expect.stringContaining('No controller runs'), fixed: false },
    { message: expect.stringContaining('left over'), fixed: true },
  ])
  expect(await found(larder, 'address')).toHaveLength(1)
})

it('address: another program listens where the controller did', async () => {
  const larder = await start()
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await rememberAddress(larder.larder.context.state, { host: '127.0.0.1', port })
  expect(await found(larder, 'address')).toMatchObject([
    { message: expect.stringContaining('No controller runs') },
    { severity: 'warning', subject: `127.0.0.1:${port}`, message: expect.stringContaining(`port ${port}`) },
  ])
  server.close()
  // Any free one, which nobody else has.
  await rememberAddress(larder.larder.context.state, { host: '127.0.0.1', port: 0 })
  expect(await found(larder, 'address')).toHaveLength(1)
})
