import { Agent, request } from 'undici'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/index.ts'
import type { BalancedService } from '../../src/fleet/balancer/balanced-service.ts'
import { createHaproxyBalancer } from '../../src/fleet/balancer/haproxy-balancer.ts'
import { haproxyConfig } from '../../src/fleet/balancer/haproxy-config.ts'
import { parseBalancerState } from '../../src/fleet/balancer/parse-balancer-state.ts'
import { rollService } from '../../src/fleet/service/roll-service.ts'
import { ServerWatch } from '../../src/fleet/service/server-watch.ts'
import type { BalanceSpec } from '../../src/fleet/service/service-spec.ts'
import { rolloutRoom } from '../../src/fleet/service/testing/rollout-room.ts'
import { ServiceWorld } from '../../src/fleet/service/testing/service-world.ts'
import { plainBalance } from '../../src/fleet/testing/plain-balance.ts'
import {
  canStartHaproxy,
  createTestBalancer,
  listenOn,
  type TestBalancer,
} from '../../src/fleet/testing/start-haproxy.ts'
import { freePort } from '../e2e/support/free-port.ts'

const must = process.env['CI'] === 'true'
const balancer = createHaproxyBalancer()
const tool = '/usr/local/lib/larder/haproxy-state'
const places = new Map([
  ['127.0.0.13', 'web-1'],
  ['127.0.0.14', 'web-2'],
])
let lb: TestBalancer
let backend: Awaited<ReturnType<typeof listenOn>>
let world: ServiceWorld
let port = 0

describe.skipIf(!canStartHaproxy && !must)('rollouts, before HAProxy itself [needs root, haproxy, socat]', () => {
  beforeAll(async () => {
    lb = await createTestBalancer()
    // At the first of them web-1 is found by name.
    backend = await listenOn(['127.0.0.1', ...places.keys()], (address) => (_asked, answer) => {
      const release = world.machines.get(places.get(address) ?? 'web-1')?.release
      // A release takes the place of another between two checks.
      if (release === undefined || release === 'sick') answer.writeHead(503)
      answer.end(release)
    })
    port = await freePort()
  })
  afterAll(async () => {
    await lb.remove()
    await backend.close()
  })
  beforeEach(async () => {
    await lb.kill()
    await lb.host.run({ shell: 'rm -f /var/lib/haproxy/larder-state' }, { timeoutMs: 60_000 })
  })

  it('a release that does not answer to the balancer gets no clients and is put back, however fast it took its place', async () => {
    await begin(['web-1', 'web-2'])
    const load = beginLoad()
    world.desired = 'sick'
    await expect(roll()).rejects.toThrow('web-1 is down at its load balancer')
    expect(releases()).toEqual(['one', 'one'])
    world.desired = 'two'
    await roll()
    expect(releases()).toEqual(['two', 'two'])
    expect(await load.end()).toEqual([])
    expect(world.violations).toEqual([])
  })

  it('where it is alone, its clients come to it at once, and it is put back', async () => {
    await begin(['web-1'])
    world.desired = 'sick'
    await expect(roll()).rejects.toThrow('web-1 is down at its load balancer')
    expect(await ask()).toBe('200 one')
    world.desired = 'two'
    await roll()
    expect(await ask()).toBe('200 two')
  })

  it('a server that somebody has taken away by hand is neither drained nor given back', async () => {
    await begin(['web-1', 'web-2'])
    const server = { service: 'counter', machine: 'web-1' }
    await lb.host.run({ shell: `${tool} tell 'set server counter/web-1 state maint'` }, { timeoutMs: 60_000 })
    await balancer.drain(lb.host, server)
    await balancer.ready(lb.host, server)
    expect(watch().view(await watch().look(), 'web-1')).toBe('maintenance')
  })

  it('a machine that is known by a name is asked at its new port; what HAProxy refuses fails, and moves nothing', async () => {
    await begin(['web-1'])
    const server = { service: 'counter', machine: 'web-1' }
    const named = (at: number) => config(['web-1'], at).replace(/ 127\.0\.0\.13:/, ' localhost:')
    const newer = await listenOn(['127.0.0.1'], (_address) => (_asked, answer) => answer.end('newer'))
    try {
      await lb.configure(named(newer.port))
      await lb.reload()
      expect(await ask()).toBe('200 one')
      // Somebody else's name for this server: this HAProxy knows none of it.
      await lb.configure(named(newer.port).replaceAll('server web-1', 'server web-9'))
      const unknown = await lb.host.run({ shell: `${tool} ready counter web-9` }, { timeoutMs: 60_000 })
      expect(unknown).toMatchObject({ stderr: expect.stringContaining('No such server') })
      await lb.configure(named(newer.port))
      await balancer.ready(lb.host, server)
      expect(await watch().up(['web-1'], 30_000)).toBeUndefined()
      expect(await ask()).toBe('200 newer')
    } finally {
      await newer.close()
    }
  })

  it('a weight that somebody set is the same when a server is given back to clients that stay at it', async () => {
    await begin(['web-1', 'web-2'])
    await lb.configure(config(['web-1', 'web-2'], backend.port, { isSticky: true }))
    await lb.reload()
    const server = { service: 'counter', machine: 'web-1' }
    const weightNow = async (): Promise<number | undefined> => {
      const { stdout } = await lb.host.run({ shell: `${tool} show` }, { timeoutMs: 60_000 })
      return parseBalancerState(stdout.toString()).find(({ machine }) => machine === 'web-1')?.weight
    }
    await lb.host.run({ shell: `${tool} tell 'set server counter/web-1 weight 30'` }, { timeoutMs: 60_000 })
    for (const _ of ['drained', 'and once more, by the next run']) await balancer.drain(lb.host, server)
    expect(await weightNow()).toBe(0)
    await balancer.ready(lb.host, server)
    expect(await weightNow()).toBe(30)
  })

  it('a server that was given back anew is where it answered, also after a crash', async () => {
    await begin(['web-1', 'web-2'])
    const newer = await freePort()
    await lb.configure(config(['web-1', 'web-2'], newer))
    await lb.reload()
    await balancer.drain(lb.host, { service: 'counter', machine: 'web-1' })
    await balancer.ready(lb.host, { service: 'counter', machine: 'web-1' }, { isOther: true })
    await lb.kill()
    await lb.start()
    expect(await watch().up(['web-1', 'web-2'], 30_000)).toBeUndefined()
  })
})

function config(machines: readonly string[], at = backend.port, more: Partial<BalanceSpec> = {}): string {
  const service: BalancedService = {
    name: 'counter',
    port: at,
    ready: { http: '/', port: at },
    drainMs: 0,
    readyMs: 60_000,
    servers: [...places].flatMap(([address, machine]) => (machines.includes(machine) ? [{ machine, address }] : [])),
    balance: plainBalance({ port, ...more }),
  }
  return haproxyConfig([service])
}

/** A service that runs everywhere. */
async function begin(machines: readonly string[]): Promise<void> {
  world = new ServiceWorld(machines)
  await lb.configure(config(machines))
  await lb.start()
  await roll()
}

const releases = () => [...world.machines.values()].map(({ release }) => release)

function watch(): ServerWatch {
  const { signal } = new AbortController()
  return new ServerWatch({ service: 'counter', balancer, hosts: [lb.host], clock: systemClock, signal })
}

async function roll(): Promise<void> {
  const room = rolloutRoom(world, { port: backend.port, watch: watch(), upMs: 15_000 })
  await rollService(world.targets(), room)
}

async function ask(dispatcher?: Agent): Promise<string> {
  const { statusCode, body } = await request(`http://127.0.0.1:${port}/`, dispatcher && { dispatcher })
  return `${statusCode} ${await body.text()}`
}

/** Some clients, one request after the other. Answers those that were not well. */
function beginLoad(): { end(): Promise<string[]> } {
  const failures: string[] = []
  let isOver = false
  const work = Array.from({ length: 4 }, async () => {
    const dispatcher = new Agent({ connections: 1 })
    while (!isOver) {
      const answer = await ask(dispatcher).catch(String)
      if (!answer.startsWith('200 ')) failures.push(answer)
    }
    await dispatcher.close()
  })
  return {
    async end() {
      isOver = true
      await Promise.all(work)
      return failures
    },
  }
}
