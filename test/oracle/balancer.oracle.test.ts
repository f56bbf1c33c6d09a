import { execa } from 'execa'
import { Agent, request } from 'undici'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { haproxyConfig } from '../../src/fleet/balancer/haproxy-config.ts'
import { createHaproxyBalancer } from '../../src/fleet/balancer/haproxy-balancer.ts'
import type { BalancedService } from '../../src/fleet/balancer/balanced-service.ts'
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
const addresses = ['127.0.0.11', '127.0.0.12']
let lb: TestBalancer
let backend: Awaited<ReturnType<typeof listenOn>>
let port = 0
/** Requests that are answered when the test says so. */
let held: (() => void)[] = []

describe.skipIf(!canStartHaproxy && !must)('load balancers, by HAProxy itself [needs root, haproxy, socat]', () => {
  beforeAll(async () => {
    lb = await createTestBalancer()
    backend = await listenOn(addresses, (address) => (asked, answer) => {
      if (asked.url === '/slow') held.push(() => answer.end(address))
      else answer.end(address)
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

  it('goes on without a failed request through five reloads, drained and given back under load', async () => {
    await offer()
    const load = beginLoad(16)
    for (let round = 0; round < 5; round++) {
      const machine = `web-${(round % 2) + 1}`
      await balancer.drain(lb.host, { service: 'counter', machine })
      await lb.configure(config({ name: round % 2 === 0 ? ['counter', 'api'] : ['counter'] }))
      await lb.reload()
      expect(await stateOf(machine)).toBe('draining')
      await balancer.ready(lb.host, { service: 'counter', machine })
    }
    const { count, failures } = await load.end()
    expect(failures).toEqual([])
    expect(count).toBeGreaterThan(100)
  })

  it('what is drained gets nothing, over a reload, a changed configuration, and a crash', async () => {
    await offer()
    await balancer.drain(lb.host, { service: 'counter', machine: 'web-1' })
    const expectOther = async (): Promise<void> => {
      expect(await stateOf('web-1')).toBe('draining')
      for (let at = 0; at < 6; at++) expect(await ask()).toBe('127.0.0.12')
    }
    await expectOther()
    await lb.configure(config({ name: ['api', 'counter'] }))
    await lb.reload()
    await expectOther()
    await lb.kill()
    await lb.start()
    await expectOther()
    await balancer.ready(lb.host, { service: 'counter', machine: 'web-1' })
    await lb.kill()
    await lb.start()
    expect(await stateOf('web-1')).toBe('up')
  })

  it('a weight that somebody set stays over a reload', async () => {
    await offer()
    const tool = '/usr/local/lib/larder/haproxy-state'
    await lb.host.run({ shell: `${tool} tell 'set server counter/web-2 weight 0'` }, { timeoutMs: 60_000 })
    await lb.reload()
    for (let at = 0; at < 4; at++) expect(await ask()).toBe('127.0.0.11')
  })

  it('a machine known by a name is found where its name leads when it is reloaded', async () => {
    const say = (address: string) =>
      lb.host.run({ shell: `echo '${address} web-1.example.org' >/run/hosts` }, { timeoutMs: 60_000 })
    await say(addresses[0]!)
    await lb.host.run({ shell: 'mount --bind /run/hosts /etc/hosts' }, { timeoutMs: 60_000 })
    const named = balanced('counter', { servers: [{ machine: 'web-1', address: 'web-1.example.org' }], balance: {} })
    await lb.configure(haproxyConfig([named]))
    await lb.start()
    expect(await ask('/', {}, true)).toBe('127.0.0.11')
    await say(addresses[1]!)
    await lb.reload()
    expect(await ask()).toBe('127.0.0.12')
    await lb.host.run({ shell: 'umount /etc/hosts' }, { timeoutMs: 60_000 })
  })

  it('where a port is changed, each machine is asked where it was until it is given back, and then where it answers', async () => {
    await offer()
    const newer = await listenOn([addresses[0]!], (address) => (_asked, answer) => answer.end(`newer ${address}`))
    const isUp = (machine: string) => until(async () => (await stateOf(machine)) === 'up')
    const answers = async () => [await ask(), await ask()].toSorted()
    try {
      await isUp('web-1')
      await isUp('web-2')
      await lb.configure(config({ port: newer.port }))
      await lb.reload()
      expect(await answers()).toEqual(addresses)
      for (const machine of ['web-1', 'web-2']) {
        await balancer.drain(lb.host, { service: 'counter', machine })
        await balancer.ready(lb.host, { service: 'counter', machine })
        await isUp(machine)
      }
      // web-2 answers at the new port no more than before: it stays where it is.
      expect(await answers()).toEqual(['127.0.0.12', 'newer 127.0.0.11'])
      await lb.reload()
      await lb.kill()
      await lb.start()
      expect(await answers()).toEqual(['127.0.0.12', 'newer 127.0.0.11'])
    } finally {
      await newer.close()
    }
  })

  it('where the port of its check is changed, each machine is checked where it was, until it is given back', async () => {
    const older = await listenOn(addresses, (_address) => (_asked, answer) => answer.end())
    const newer = await listenOn([addresses[0]!], (_address) => (_asked, answer) => answer.end())
    const checkedAt = async (): Promise<number[]> => {
      const { stdout } = await lb.host.run({ shell: '/usr/local/lib/larder/haproxy-state show' }, { timeoutMs: 60_000 })
      const servers = stdout.toString().matchAll(/^\d+ counter \d+ .*$/gm)
      // srv_check_port of management.txt of HAProxy, show servers state.
      return [...servers].map(([line]) => Number(line.split(' ')[21]))
    }
    try {
      await offer({ ready: { tcp: older.port } })
      for (const machine of ['web-1', 'web-2']) await until(async () => (await stateOf(machine)) === 'up')
      await lb.configure(config({ ready: { tcp: newer.port } }))
      await lb.reload()
      expect(await checkedAt()).toEqual([older.port, older.port])
      for (const machine of ['web-1', 'web-2']) await balancer.ready(lb.host, { service: 'counter', machine })
      // web-2 does not answer there.
      expect(await checkedAt()).toEqual([newer.port, older.port])
      await lb.reload()
      expect(await checkedAt()).toEqual([newer.port, older.port])
      for (const machine of ['web-1', 'web-2']) expect(await stateOf(machine)).toBe('up')
    } finally {
      await newer.close()
      await older.close()
    }
  })

  it('a client stays at its machine, until that is drained', async () => {
    await offer({ isSticky: true })
    const first = await request(url('/'), { headers: { host: 'a' } })
    const cookie = String(first.headers['set-cookie']).split(';')[0]!
    const at = await first.body.text()
    for (let round = 0; round < 6; round++) expect(await ask('/', { cookie })).toBe(at)
    const machine = at === '127.0.0.11' ? 'web-1' : 'web-2'
    await balancer.drain(lb.host, { service: 'counter', machine })
    for (let round = 0; round < 6; round++) expect(await ask('/', { cookie })).not.toBe(at)
    await lb.reload()
    for (let round = 0; round < 6; round++) expect(await ask('/', { cookie })).not.toBe(at)
    await balancer.ready(lb.host, { service: 'counter', machine })
    for (let round = 0; round < 6; round++) expect(await ask('/', { cookie })).toBe(at)
  })

  it('counts what a worker of before a reload has still under way', async () => {
    await offer()
    const slow = Promise.all([ask('/slow'), ask('/slow'), ask('/slow')])
    await until(async () => (await sessions()) === 3)
    await lb.reload()
    expect(await sessions()).toBe(3)
    for (const answer of held) answer()
    held = []
    expect((await slow).toSorted()).toEqual(expect.arrayContaining(addresses))
    await until(async () => (await sessions()) === 0)
  })

  it('a server that is down says why; one that nobody knows, and a balancer that is away, are told', async () => {
    await offer({ ready: { http: '/', port: 1 } })
    await until(async () => (await stateOf('web-1')) === 'down')
    const [down] = await balancer.state(lb.host)
    expect(down).toMatchObject({
      state: 'down',
      why: expect.stringMatching(/^Layer4 connection problem: Connection refused/),
    })
    const nobody = { service: 'counter', machine: 'web-9' }
    await expect(balancer.drain(lb.host, nobody)).rejects.toMatchObject({ code: 'FLEET_BALANCER_REFUSED' })
    await lb.kill()
    await expect(balancer.state(lb.host)).rejects.toMatchObject({ code: 'FLEET_BALANCER_AWAY' })
  })

  it('TLS: each name has its certificate, and http is sent there', async () => {
    const names = ['a.example.org', 'b.example.org']
    const certificates: Record<string, string> = {}
    for (const name of names) certificates[name] = await selfSigned(name)
    const tlsPort = await freePort()
    const [first, second] = names.map((name, at) =>
      balanced(`service-${at}`, {
        balance: {
          hosts: [name],
          port: tlsPort,
          tls: { certificate: name, redirectFrom: at === 0 ? port : undefined },
        },
      }),
    ) as [BalancedService, BalancedService]
    await lb.configure(haproxyConfig([first, second]), certificates)
    await lb.start()
    for (const name of names) {
      const ca = certificates[name]!.slice(certificates[name]!.indexOf('-----BEGIN CERTIFICATE'))
      const dispatcher = new Agent({ connect: { ca, servername: name } })
      const { statusCode } = await request(`https://127.0.0.1:${tlsPort}/`, { dispatcher, headers: { host: name } })
      expect(statusCode).toBe(200)
      await dispatcher.destroy()
    }
    const { statusCode, headers } = await request(url('/x?y=1'), { headers: { host: `a.example.org:${port}` } })
    expect(statusCode).toBe(308)
    expect(headers.location).toBe(`https://a.example.org:${tlsPort}/x?y=1`)
    expect(await ask('/', { host: 'c.example.org' })).toBe('404 No service here has this name and path.')
  })

  it('connections are handed on as they are', async () => {
    await lb.configure(haproxyConfig([balanced('counter', { balance: { mode: 'tcp' }, ready: { tcp: backend.port } })]))
    await lb.start()
    const answers = [await ask('/', {}, true), await ask('/', {}, true)]
    expect(answers.toSorted()).toEqual(addresses)
  })
})

interface Offered {
  name?: readonly string[]
  port?: number
  isSticky?: boolean
  ready?: BalancedService['ready']
}

function config({ name = ['counter'], port: at = backend.port, isSticky = false, ready }: Offered = {}): string {
  return haproxyConfig(
    name.map((one) =>
      balanced(one, {
        port: at,
        ...(ready === undefined ? {} : { ready }),
        balance: { hosts: one === 'counter' ? [] : [`${one}.example.org`], isSticky },
      }),
    ),
  )
}

function balanced(
  name: string,
  more: Partial<Omit<BalancedService, 'balance'>> & { balance: Partial<BalancedService['balance']> },
): BalancedService {
  const at = more.port ?? backend.port
  return {
    name,
    port: at,
    ready: { http: '/', port: at },
    drainMs: 0,
    readyMs: 60_000,
    servers: addresses.map((address, index) => ({ machine: `web-${index + 1}`, address })),
    ...more,
    balance: plainBalance({ port, ...more.balance }),
  }
}

/** Key and certificate, as PEM. */
async function selfSigned(name: string): Promise<string> {
  const { stdout } = await execa('openssl', [
    ...['req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-days', '2'],
    ...['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`, '-keyout', '-', '-out', '-'],
  ])
  return `${stdout}\n`
}

async function offer(offered?: Offered): Promise<void> {
  await lb.configure(config(offered))
  await lb.start()
}

function url(path: string): string {
  return `http://127.0.0.1:${port}${path}`
}

async function ask(path = '/', headers: Record<string, string> = {}, reset = false): Promise<string> {
  const { statusCode, body } = await request(url(path), { headers: { host: 'a.example.org', ...headers }, reset })
  const text = await body.text()
  return statusCode === 200 ? text : `${statusCode} ${text}`
}

async function stateOf(machine: string): Promise<string | undefined> {
  return (await balancer.state(lb.host)).find((one) => one.service === 'counter' && one.machine === machine)?.state
}

async function sessions(): Promise<number> {
  return (await balancer.state(lb.host)).reduce((sum, one) => sum + one.sessions, 0)
}

/** As many clients as said, each with a connection of its own, one request after the other. */
function beginLoad(clients: number): { end(): Promise<{ count: number; failures: string[] }> } {
  const failures: string[] = []
  let count = 0
  let isOver = false
  const work = Array.from({ length: clients }, async () => {
    const dispatcher = new Agent({ connections: 1 })
    while (!isOver) {
      count++
      try {
        const { statusCode, body } = await request(url('/'), { dispatcher })
        await body.dump()
        if (statusCode !== 200) failures.push(String(statusCode))
      } catch (error) {
        failures.push(String(error))
      }
    }
    await dispatcher.close()
  })
  return {
    async end() {
      isOver = true
      await Promise.all(work)
      return { count, failures }
    },
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let looks = 0; looks < 600; looks++) {
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('It never came to be.')
}
