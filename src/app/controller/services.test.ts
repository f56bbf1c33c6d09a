import { expect, test } from 'vitest'
import { LarderError } from '../../core/index.ts'
import { createServiceMethods } from './services.ts'
import type { ControllerContext } from './context.ts'

/** Two services behind one load balancer, and one that is behind another, which is away. */
function createContext(onAsked: (machine: string) => void): ControllerContext {
  const balanced = (on: string) => ({ image: 'counter', machines: ['web-1'], port: 8080, balance: { on: [on] } })
  const machines = Object.fromEntries(
    ['lb-1', 'lb-2', 'web-1'].map((name, at) => [name, { at: 'container', address: `10.0.0.${at + 2}`, roles: [] }]),
  )
  const sections = { machines, services: { a: balanced('lb-1'), b: balanced('lb-1'), c: balanced('lb-2') } }
  const state = async (host: { name: string }) => {
    onAsked(host.name)
    await new Promise((resolve) => setImmediate(resolve))
    if (host.name === 'lb-2') throw new LarderError('FLEET_BALANCER_AWAY', { message: 'lb-2 is away' })
    return ['a', 'b'].map((service) => ({ service, machine: 'web-1', state: 'up' }))
  }
  return {
    siteHead: { current: async () => ({ commit: 'c', site: { name: 'test', sections } }) },
    fleet: {
      memory: { list: async () => [] },
      options: {
        ownAddresses: async () => new Map(),
        place: async () => ({ host: ({ name }: { name: string }) => ({ name }) }),
      },
      services: { memory: { list: async () => [] }, options: { balancer: { state } } },
    },
    stopping: new AbortController().signal,
  } as unknown as ControllerContext
}

test('a load balancer is asked once for all services that are asked about together', async () => {
  const asked: string[] = []
  const methods = createServiceMethods(createContext((machine) => asked.push(machine)))
  const found = await Promise.all(['a', 'b', 'c', 'a'].map((name) => methods.service(name)))
  expect(found.map(({ balancers }) => balancers)).toEqual([
    [{ machine: 'lb-1', away: undefined, servers: [{ machine: 'web-1', state: 'up' }] }],
    [{ machine: 'lb-1', away: undefined, servers: [{ machine: 'web-1', state: 'up' }] }],
    [{ machine: 'lb-2', away: 'lb-2 is away', servers: [] }],
    [{ machine: 'lb-1', away: undefined, servers: [{ machine: 'web-1', state: 'up' }] }],
  ])
  expect(asked.sort()).toEqual(['lb-1', 'lb-2'])
  await methods.service('a')
  expect(asked).toHaveLength(3)
})
