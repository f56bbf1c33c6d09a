import { expect, it } from 'vitest'
import { LarderError } from '../../../core/index.ts'
import type { MachineSpec } from '../place.ts'
import { alignNetworks } from './align-networks.ts'
import type { ContainerEngine } from './engine.ts'

const machine: MachineSpec = {
  name: 'web-1',
  site: 'campus',
  addresses: [{ network: 'lan', address: '10.0.0.11', prefixLength: 24 }],
  identity: 'one',
  memoryMiB: 256,
  cpus: 1,
}
const network = 'larder-campus-lan'

/** What an engine whose network has the id `now` is told, of a container that was at the one of this id. */
async function align(
  name: ContainerEngine['name'],
  id: string | undefined,
  { from = '10.0.0.11', isTaken = false } = {},
): Promise<string[]> {
  const told: string[] = []
  const tell = (args: readonly string[]): string => {
    if (args[1] === 'inspect') return 'now\n'
    told.push(args.join(' '))
    return ''
  }
  const engine: ContainerEngine = {
    name,
    unusable: async () => undefined,
    ask: async (args) => ({ code: 0, stdout: tell(args), stderr: '' }),
    require: async (args) => {
      const said = tell(args)
      if (isTaken && args.includes('10.0.0.11')) throw new LarderError('FLEET_MACHINE_FAILED', { message: 'taken' })
      return said
    },
  }
  const report = { status: 'exited', restarts: 0, site: 'campus', machine: 'web-1', identity: 'one' }
  const networkIds = new Map(id === undefined ? [] : [[network, id]])
  const found = { ...report, addresses: new Map([[network, from]]), networkIds }
  const aligning = alignNetworks(engine, machine, { found, networks: [network], signal: new AbortController().signal })
  if (isTaken) await expect(aligning).rejects.toMatchObject({ message: 'taken' })
  else await aligning
  return told
}

it('a network of the same name that was made again is another one to Docker', async () => {
  expect(await align('docker', 'former')).toEqual([
    'network disconnect --force larder-campus-lan larder-campus-web-1',
    'network connect --alias web-1 --ip 10.0.0.11 larder-campus-lan larder-campus-web-1',
  ])
})

it('one whose new address is taken stays at its own', async () => {
  expect(await align('docker', 'now', { from: '10.0.0.9', isTaken: true })).toEqual([
    'network disconnect --force larder-campus-lan larder-campus-web-1',
    'network connect --alias web-1 --ip 10.0.0.11 larder-campus-lan larder-campus-web-1',
    'network connect --alias web-1 --ip 10.0.0.9 larder-campus-lan larder-campus-web-1',
  ])
})

it.each([
  ['docker', 'now'],
  // Never started.
  ['docker', undefined],
  // It says the name.
  ['podman', network],
] as const)('%s, at %s: it stays where it is', async (name, id) => {
  expect(await align(name, id)).toEqual([])
})
