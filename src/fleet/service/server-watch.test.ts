import { describe, expect, it } from 'vitest'
import { LarderError } from '../../core/index.ts'
import { FakeClock } from '../../core/testing/fake-clock.ts'
import type { Host } from '../host/host.ts'
import { rollMachine } from './roll-machine.ts'
import { ServerWatch } from './server-watch.ts'
import type { Balancer, ServerState } from './service-spec.ts'
import { noStatistics } from './testing/no-statistics.ts'
import { ServiceWorld } from './testing/service-world.ts'

type State = ServerState['state']

/** web-1 at several load balancers: `away` answers nothing. */
function balancers(states: Record<string, State | 'away'>) {
  const told: string[] = []
  const stateAt = ({ name }: Host): State => {
    const state = states[name]!
    if (state === 'away') throw new LarderError('FLEET_BALANCER_AWAY', { message: `No load balancer on ${name}.` })
    return state
  }
  const become = (host: Host, verb: string, state: State): void => {
    if (stateAt(host) === 'maintenance') return
    told.push(`${verb} at ${host.name}`)
    states[host.name] = state
  }
  const balancer: Balancer = {
    drain: async (host) => become(host, 'drain', 'draining'),
    ready: async (host) => become(host, 'ready', 'up'),
    state: async (host) => {
      const state = stateAt(host)
      return [{ service: 'counter', machine: 'web-1', state, sessions: 0, why: undefined, statistics: noStatistics }]
    },
  }
  const hosts = Object.keys(states).map((name) => ({ name }) as Host)
  const { signal } = new AbortController()
  return { told, watch: new ServerWatch({ service: 'counter', balancer, hosts, clock: new FakeClock(), signal }) }
}

const release = { isOther: true }

describe('ServerWatch', () => {
  it('drains and gives back where nobody has taken the machine away by hand, and nowhere else', async () => {
    const { told, watch } = balancers({ 'lb-1': 'maintenance', 'lb-2': 'up' })
    await watch.drain('web-1')
    expect(watch.ownView(await watch.look(), 'web-1')).toBe('draining')
    await watch.ready('web-1', release)
    expect(told).toEqual(['drain at lb-2', 'ready at lb-2'])
    expect(await watch.back('web-1', 1000)).toBeUndefined()
    expect(await watch.stays('web-1', 1000)).toBeUndefined()
  })

  it('counts it as up beside another only where it is so at every load balancer', async () => {
    const { watch } = balancers({ 'lb-1': 'maintenance', 'lb-2': 'up' })
    expect(await watch.up(['web-1'], 1000)).toBe('web-1 is taken away by hand at its load balancer')
    const everywhere = balancers({ 'lb-1': 'maintenance', 'lb-2': 'maintenance' }).watch
    expect(everywhere.ownView(await everywhere.look(), 'web-1')).toBe('maintenance')
  })

  it('tells every one that it is ready, also where another does not answer', async () => {
    const { told, watch } = balancers({ 'lb-1': 'away', 'lb-2': 'draining', 'lb-3': 'draining' })
    await expect(watch.ready('web-1', release)).rejects.toThrow('No load balancer on lb-1.')
    expect(told).toEqual(['ready at lb-2', 'ready at lb-3'])
  })

  it('has a machine replaced away from clients of one, though it is taken away by hand at another', async () => {
    const { told, watch } = balancers({ 'lb-1': 'maintenance', 'lb-2': 'up' })
    const world = new ServiceWorld(['web-1'])
    const [target] = world.targets()
    const look = await watch.look()
    const found = { target: target!, problem: undefined, differences: [{ id: 'container:counter' }] as never }
    const seen = { isActive: true, formers: [], isReady: true, isBegun: false, isServing: true, leastView: undefined }
    await rollMachine(
      { ...found, ...seen, view: watch.ownView(look, 'web-1') },
      {
        spec: { name: 'counter', drainMs: 1000 } as never,
        kept: world.kept,
        watch,
        apply: async (targets) => {
          told.push('apply')
          return world.apply(targets)
        },
        progress: { log: () => {} },
        signal: new AbortController().signal,
        others: [],
        restart: false,
        upMs: 1000,
      },
    )
    expect(told).toEqual(['drain at lb-2', 'apply', 'ready at lb-2'])
  })
})
