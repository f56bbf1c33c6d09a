import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { makeOpenSshKey } from '../openssh-key.ts'
import { rootArchive } from '../root-archive.ts'
import { baseFiles } from './base-files.ts'
import { networkCards } from './network-card.ts'
import { makeSeed, networkScript, resolverFile } from './seed.ts'

const spec = {
  name: 'web-1',
  site: 'campus',
  addresses: [
    {
      network: 'lan',
      address: '192.168.137.11',
      prefixLength: 24,
      gateway: '192.168.137.1',
      names: { servers: ['192.168.137.1'], domain: 'lab.example.org', isOwn: true },
    },
    { network: 'office', address: '10.9.8.7', prefixLength: 16 },
  ],
  identity: 'one',
  memoryMiB: 512,
  cpus: 1,
}
const cards = networkCards(spec, { interfaces: [], bridges: new Set(), nameServers: ['192.0.2.53'] })

it('a machine is at its addresses, and all else is behind the first gateway', () => {
  expect(networkScript(cards)).toBe(`link set dev eth0 up
address replace 192.168.137.11/24 dev eth0
route replace default via 192.168.137.1
link set dev eth1 up
address replace 10.9.8.7/16 dev eth1
`)
  expect(resolverFile(cards)).toBe('search lab.example.org\nnameserver 192.168.137.1\n')
})

it('what it is given is an archive of whole sectors that tar reads, of root, with its keys closed to others', async () => {
  const credentials = { hostKey: makeOpenSshKey('web-1'), authorizedKey: 'ssh-ed25519 AAAA larder' }
  const seed = await makeSeed(spec, { credentials, cards })
  expect(seed.length % 512).toBe(0)
  const listed = execFileSync('tar', ['-tv', '--numeric-owner', '-f', '-'], { input: seed }).toString()
  expect(listed).toMatch(/^-rw------- 0\/0 .* etc\/ssh\/ssh_host_ed25519_key$/m)
  for (const path of ['etc/hostname', 'etc/resolv.conf', 'etc/larder-machine/network']) expect(listed).toContain(path)
  // The disk asks for these by name.
  const script = baseFiles().find(({ path }) => path.endsWith('/seed'))?.content ?? ''
  const [, asked = ''] = /--directory=\/ (etc.*)$/m.exec(script) ?? []
  for (const path of asked.split(' ')) expect(listed).toContain(path)
})

it('what is laid over a base is the same each time, and its script is one for sh', async () => {
  expect((await rootArchive(baseFiles())).equals(await rootArchive(baseFiles()))).toBe(true)
  const input = baseFiles().find(({ path }) => path.endsWith('/seed'))?.content ?? ''
  execFileSync('sh', ['-n'], { input })
})
