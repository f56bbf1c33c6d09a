import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { silentProgress, systemClock } from '../../core/index.ts'
import { scanHostKey } from '../host/host-key.ts'
import { startSshd } from '../testing/start-sshd.ts'
import { openFleetCredentials } from './credentials.ts'
import { createLocalPlace } from './local-place.ts'
import { existingPlaceContract, type PlaceUnderTest } from './place.contract.ts'
import type { MachineSpec } from './place.ts'
import { createSshPlace } from './ssh-place.ts'

const machine: MachineSpec = {
  name: 'web-1',
  site: 'test',
  addresses: [],
  identity: 'none',
  memoryMiB: 64,
  cpus: 1,
}
const isRoot = process.getuid?.() === 0

async function openLocal(): Promise<PlaceUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'larder-local-'))
  return {
    place: createLocalPlace(),
    credentials: await openFleetCredentials(folder),
    machine,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  }
}

/** A host that lets the site's key in, and whose own key nobody has trusted yet. */
async function openSsh() {
  const sshd = await startSshd()
  const credentials = await openFleetCredentials(join(sshd.folder, 'machines'))
  await writeFile(`${sshd.options.identityFile}.pub`, `${credentials.authorizedKey}\n`)
  const place = createSshPlace({ credentials, controlFolder: join(sshd.folder, 'c'), clock: systemClock })
  const { port } = sshd
  return {
    place,
    credentials,
    machine: { ...machine, ssh: { address: '127.0.0.1', port, user: 'root' } },
    trust: async () => credentials.trust('web-1', await scanHostKey({ name: 'web-1', address: '127.0.0.1', port })),
    stop: () => sshd.stop(),
    async [Symbol.asyncDispose]() {
      await place.host({ ...machine, ssh: { address: '127.0.0.1', port, user: 'root' } }).close()
      await sshd.stop()
    },
  }
}

describe.skipIf(!isRoot)('at: local', () => {
  existingPlaceContract(openLocal)
})

describe.skipIf(!isRoot)('at: ssh', () => {
  existingPlaceContract(async () => {
    const opened = await openSsh()
    await opened.trust()
    return opened
  })

  const room = async () => ({
    credentials: { hostKey: { privateKey: '', publicLine: '' }, authorizedKey: '' },
    progress: silentProgress,
    signal: new AbortController().signal,
  })

  it('a host that nobody trusted is not reached, and the way to trust it is said', async () => {
    await using opened = await openSsh()
    expect(await opened.place.observe(opened.machine)).toBe('stopped')
    await expect(opened.place.bringUp(opened.machine, await room())).rejects.toMatchObject({
      code: 'FLEET_HOST_REFUSED',
      hint: expect.stringContaining('larder machine trust web-1') as string,
    })
  })

  it('one that shows another key than the trusted one is another machine', async () => {
    await using opened = await openSsh()
    // A key of the site's own, which that host has never seen.
    await opened.credentials.of('web-1')
    expect(await opened.place.observe(opened.machine)).toBe('other')
    await expect(opened.place.bringUp(opened.machine, await room())).rejects.toMatchObject({
      code: 'FLEET_HOST_KEY_CHANGED',
    })
  })

  it('one of which it is not said where it is', async () => {
    await using opened = await openSsh()
    await expect(opened.place.bringUp(machine, await room())).rejects.toMatchObject({ code: 'FLEET_MACHINE_UNKNOWN' })
  })
})
