import { createServer } from 'node:http'
import { describe, expect, it } from 'vitest'
import type { ForgeName } from '../forge.ts'
import { forgeNamed } from '../forges.ts'
import { useStandIn } from './opened-forge.ts'

const standIn = useStandIn()

describe('a stand-in', () => {
  it.each<ForgeName>(['github', 'gitlab', 'gitea'])(
    'of %s sends what its forge would be understood to say',
    async (name) => {
      await standIn.start(name)
      const forge = forgeNamed(name)
      const heard: unknown[] = []
      const listener = createServer((request, response) => {
        const chunks: Buffer[] = []
        request.on('data', (chunk: Buffer) => chunks.push(chunk))
        request.on('end', () => {
          const bytes = Buffer.concat(chunks)
          const headers = request.headers as Record<string, string>
          const delivery = { headers, bytes, text: bytes.toString() }
          const { event } = forge.envelope(delivery)
          const isGood = forge.recognizes(headers) && forge.verify(delivery, ['s3cret'], new Date())
          heard.push(isGood ? forge.parse(event, delivery.text) : 'not verified')
          response.writeHead(202).end()
        })
      })
      await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
      const { port } = listener.address() as { port: number }
      standIn.world().hook = { url: `http://127.0.0.1:${port}/`, secret: 's3cret' }
      await standIn.withPull()
      await standIn.world().push({ more: 'x' }, { branch: 'add-nmap' })
      await standIn.world().comment(1, 'maintainer', '/larder ok')
      await standIn.world().label(1, 'maintainer', 'larder ok')
      const main = await standIn.world().merge(1, { squash: true })
      listener.closeAllConnections()
      await new Promise((resolve) => listener.close(resolve))
      expect(heard).toMatchObject([
        { kind: 'push', branch: 'main' },
        { kind: 'push', branch: 'add-nmap' },
        { kind: 'pull-request', action: 'open', number: 1, fromFork: false, head: 'add-nmap' },
        { kind: 'push', branch: 'add-nmap' },
        { kind: 'pull-request', action: 'update', number: 1 },
        { kind: 'approval', number: 1, by: 'maintainer' },
        { kind: 'approval', number: 1, by: 'maintainer' },
        { kind: 'push', branch: 'main', commit: main },
        { kind: 'pull-request', action: 'close', merged: true },
      ])
      expect(standIn.world().deliveries.every(({ status }) => status === 202)).toBe(true)
    },
  )
})
