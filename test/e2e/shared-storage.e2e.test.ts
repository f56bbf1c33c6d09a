import { afterAll, beforeAll, expect, it } from 'vitest'
import { sh } from '../../src/fleet/shell/script.ts'
import { openConvergedMachines, role, written } from './support/converged-machines.ts'

const peers = ['store-1', 'store-2', 'store-3']

let machines: Awaited<ReturnType<typeof openConvergedMachines>>
beforeAll(async () => {
  const packages = ['glusterfs-server', 'glusterfs-client']
  machines = await openConvergedMachines({ site: 'storage', subnet: '10.213.81', names: peers, packages })
})
afterAll(() => machines?.[Symbol.asyncDispose]())

const names = written(`
- { host-entry: store-1, address: 10.213.81.11 }
- { host-entry: store-2, address: 10.213.81.12 }
- { host-entry: store-3, address: 10.213.81.13 }
`)

it('what is written on one machine is read on the other', async (context) => {
  if (machines === undefined) context.skip('this host has no APT sources to make a machine from')
  const { ask, converge } = machines!
  const storage = [names, await role('shared-storage', { peers: peers.slice(0, 2) })]
  await converge([storage, storage], 'together')
  expect(await ask(0, sh`echo written >/srv/shared/file; sync`)).toBe('')
  expect(await ask(1, sh`cat /srv/shared/file`)).toBe('written')

  // One that comes later is taken in, and reads it.
  const more = [names, await role('shared-storage', { peers })]
  await converge([more, more, more], 'together')
  expect(await ask(2, sh`cat /srv/shared/file`)).toBe('written')
})
