import { afterEach, expect, it, vi } from 'vitest'
import { scanHostKey } from './host-key.ts'

afterEach(() => vi.unstubAllEnvs())

it('without ssh-keyscan, that is what is missing, and not the host', async () => {
  vi.stubEnv('PATH', '/nonexistent')
  await expect(scanHostKey({ name: 'web-1', address: '127.0.0.1', port: 1 })).rejects.toMatchObject({
    code: 'TOOL_MISSING',
    hint: expect.stringContaining('openssh-client') as string,
  })
})
