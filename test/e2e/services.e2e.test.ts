import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createConnection, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { armor, Encrypter } from 'age-encryption'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { beginLoad } from '../../demo/load.ts'
import { httpdDockerfile as dockerfile } from './support/httpd-dockerfile.ts'
import { openServiceSite, type ServiceSite } from './support/open-service-site.ts'

const subnet = '10.213.91'
const balancer = `${subnet}.31`

/** Answers which release it is, to GET and to POST. */
const page = '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n$RELEASE"\n'
/** The same, after a while. */
const slowPage = page.replace('\n', '\nsleep 3\n')

const unit = `[Service]
ExecStart=/bin/sh -c 'if [ "\${RELEASE}" = broken ]; then echo "cannot read its settings"; exit 3; fi; exec /bin/busybox httpd -f -p \${PORT} -h /srv/clock'
`

/** By TCP: who speaks first is the service, and it says after that what it hears. */
const queueUnit = `[Service]
ExecStart=/bin/sh -c 'exec /usr/bin/socat TCP-LISTEN:\${PORT},fork,reuseaddr EXEC:/srv/answer'
`
const answer = '#!/bin/sh\necho "$RELEASE $WORD"\nexec /bin/busybox cat\n'
const word = 'the-word-of-the-queue'

interface Written {
  port?: number
  /** Of the unit. */
  release?: string
  /** Default: as long as a busy host may need. */
  readyWithin?: string
  /** Of the queue. */
  queue?: string
  /** Of the load balancer, besides. */
  resources?: readonly object[]
  /** Where the unit runs. */
  clockOn?: readonly string[]
}

/** An image and a unit on two machines, behind a load balancer. */
function sections({
  release = 'one',
  port = 8080,
  resources = [],
  readyWithin = '5m',
  queue = 'one',
  clockOn = ['web-1', 'web-2'],
}: Written): object {
  const ready = { ready: { http: '/healthz' }, ready_timeout: readyWithin, drain: '60s' }
  const both = { machines: ['web-1', 'web-2'], ...ready }
  const balance = { on: ['lb-1'], up_timeout: '5m' }
  const clock = [
    { file: '/srv/clock/healthz', content: 'ok\n' },
    { file: '/srv/clock/cgi-bin/release', content: page, mode: '0755' },
    { file: '/srv/clock/cgi-bin/slow', content: slowPage, mode: '0755' },
    { unit: 'clock.service', content: unit },
    { file: '/srv/answer', content: answer, mode: '0755' },
  ]
  return {
    images: { list: 'images.json' },
    machines: {
      'web-1': { address: `${subnet}.21`, resources: clock },
      'web-2': { address: `${subnet}.22`, resources: clock },
      'lb-1': { address: balancer, resources },
      'ci-1': { address: `${subnet}.41`, roles: ['ci-client'] },
    },
    services: {
      counter: { ...both, image: 'counter', port, environment: { RELEASE: 'image' }, balance },
      clock: {
        ...both,
        machines: clockOn,
        unit: 'clock.service',
        port: 7000,
        environment: { RELEASE: release },
        balance: { ...balance, port: 81 },
      },
      queue: {
        machines: ['web-1', 'web-2'],
        unit: { source: 'files/queue.service' },
        port: 7001,
        environment: { RELEASE: queue },
        secrets: { WORD: 'word' },
        drain: '1s',
        ready_timeout: readyWithin,
        balance: { ...balance, mode: 'tcp' },
      },
    },
  }
}

const files = {
  'images.json': '[{ "service_name": "counter", "type": "Docker", "version": "1.0.0" }]',
  'files/queue.service': queueUnit,
  'counter/Dockerfile': dockerfile,
  'counter/www/healthz': 'ok\n',
  'counter/www/cgi-bin/release': page,
}

let site: ServiceSite | undefined
beforeAll(async () => {
  site = await openServiceSite({ name: 'tier', subnet })
  if (site === undefined) return
  const secrets = { 'secrets/word.age': await encrypted(site, word) }
  const run = await site.apply(sections({}), { ...files, ...secrets })
  expect(run.state, JSON.stringify(run.error)).toBe('succeeded')
}, 900_000)
afterAll(() => site?.[Symbol.asyncDispose]())
const noMachine = 'this host has no APT sources to make a machine from'

const clockUrl = `http://${balancer}:81/cgi-bin/release`
const counterUrl = `http://${balancer}/cgi-bin/release`
const textOf = async (url: string): Promise<string> => (await fetch(url)).text()

it('machines pull from a registry that nobody else pulls from, and keep no login', async (context) => {
  if (site === undefined) return context.skip(noMachine)
  const { controller, registry } = site
  expect(await textOf(counterUrl)).toBe('image')
  expect((await fetch(`${controller.url}/v2/counter/manifests/1.0.0`)).status).toBe(401)
  const [run] = await controller.larder.controller.runs({ limit: 1 })
  expect(JSON.stringify(await controller.larder.controller.run(run!.id))).not.toMatch(
    /eyJhbGciOiJIUzI1NiJ9|machine\/web/,
  )
  // What pulled there has left nothing that another pull could be made with.
  const again = ['sh', '-c', `podman pull -q ${registry}/counter:1.0.0 2>&1 || :`]
  expect(await site.on('web-1', ...again)).toMatch(/unauthorized|authentication required/)
  const search =
    'grep -rlE "eyJhbGciOiJIUzI1NiJ9|bWFjaGluZS93ZWItMTpleU" /run /etc /root /tmp /var/lib/larder-host /var/log 2>/dev/null || :'
  expect(await site.on('web-1', 'sh', '-c', search)).toBe('')
})

it('another port is taken machine by machine, and no client sees it', async (context) => {
  if (site === undefined) return context.skip(noMachine)
  const load = beginLoad(counterUrl, 8)
  try {
    const run = await site.apply(sections({ port: 8090 }))
    expect(run.state, JSON.stringify(run.error)).toBe('succeeded')
  } finally {
    await load.end()
  }
  expect([...load.takeFailures()]).toEqual([])
  expect(load.answered()).toBeGreaterThan(100)
  expect(await site.on('web-1', 'sh', '-c', 'ss -Hltn sport = :8090; ss -Hltn sport = :8080')).toMatch(
    /^[^\n]*:8090[^\n]*$/,
  )
})

it('a unit goes from machine to machine, and back where it fails, with what it said last', async (context) => {
  if (site === undefined) return context.skip(noMachine)
  const load = beginLoad(clockUrl, 8)
  try {
    const good = await site.apply(sections({ port: 8090, release: 'two' }))
    expect(good.state, JSON.stringify(good.error)).toBe('succeeded')
    expect(await textOf(clockUrl)).toBe('two')
    const bad = await site.apply(sections({ port: 8090, release: 'broken', readyWithin: '30s' }))
    expect(bad).toMatchObject({ state: 'failed', error: { code: 'FLEET_ROLLOUT_FAILED' } })
    expect(bad.error?.message).toMatch(/web-1: .*it was started and has failed, and nobody starts it again/)
    expect(bad.error?.message).toContain('The last that it said:\n')
    expect(bad.error?.message).toContain('cannot read its settings')
    expect(bad.error?.message).toContain('What ran before is back.')
  } finally {
    await load.end()
  }
  expect([...load.takeFailures()]).toEqual([])
  const both = new Set([await textOf(clockUrl), await textOf(clockUrl)])
  expect([...both]).toEqual(['two'])
  const { onMachines } = await site.controller.larder.controller.service('clock')
  expect(JSON.stringify(onMachines)).toContain('cannot read its settings')
})

it('a machine that leaves its service ends what it has begun', async (context) => {
  if (site === undefined) return context.skip(noMachine)
  const ending = new AbortController()
  const answers: string[] = []
  // A POST is not asked of another machine when it breaks off.
  const clients = Array.from({ length: 6 }, async () => {
    while (!ending.signal.aborted) {
      const answer = await fetch(`http://${balancer}:81/cgi-bin/slow`, { method: 'POST', body: 'x' })
      answers.push(`${answer.status} ${await answer.text()}`)
    }
  })
  const run = await site.apply(sections({ port: 8090, release: 'two', clockOn: ['web-1'] })).finally(() => {
    ending.abort()
  })
  await Promise.all(clients)
  expect(run.state, JSON.stringify(run.error)).toBe('succeeded')
  expect([...new Set(answers)]).toEqual(['200 two'])
  expect(await site.on('web-2', 'sh', '-c', 'systemctl is-active clock.service || :')).toBe('inactive')
  const back = await site.apply(sections({ port: 8090, release: 'two' }))
  expect(back.state, JSON.stringify(back.error)).toBe('succeeded')
})

it('by TCP: what goes on when a machine is renewed ends with its deadline, and others are taken all the while', async (context) => {
  if (site === undefined) return context.skip(noMachine)
  const kept = await Promise.all([converse(), converse()])
  expect(kept.map(({ greeting }) => greeting)).toEqual([`one ${word}`, `one ${word}`])
  const rolled = site.apply(sections({ port: 8090, release: 'two', queue: 'two' }))
  const ending = new AbortController()
  const over = rolled.finally(() => ending.abort())
  const greetings = new Set<string>()
  while (!ending.signal.aborted) {
    const { greeting, socket } = await converse()
    greetings.add(greeting)
    socket.destroy()
  }
  const run = await over
  expect(run.state, JSON.stringify(run.error)).toBe('succeeded')
  expect([...greetings].toSorted()).toEqual(expect.arrayContaining([`one ${word}`]))
  expect([...greetings].filter((one) => !/^(one|two) the-word-of-the-queue$/.test(one))).toEqual([])
  await expect.poll(() => kept.every(({ socket }) => socket.destroyed)).toBe(true)
  const { greeting, socket } = await converse()
  socket.destroy()
  expect(greeting).toBe(`two ${word}`)

  const { balancers } = await site.controller.larder.controller.service('queue')
  const servers = balancers.flatMap((one) => one.servers)
  expect(servers.map(({ machine, state }) => [machine, state])).toEqual([
    ['web-1', 'up'],
    ['web-2', 'up'],
  ])
  expect(servers.reduce((sum, { statistics }) => sum + statistics.requests, 0)).toBeGreaterThan(0)
})

it('a secret is in the environment of its service, and in no plan, log, list of processes, or file of the controller', async (context) => {
  if (site === undefined) return context.skip(noMachine)
  const { controller, dataFolder } = site
  const runs = await controller.larder.controller.runs({ limit: 50 })
  const told = await Promise.all(runs.map(({ id }) => controller.larder.controller.run(id)))
  expect(JSON.stringify(told)).not.toContain(word)
  expect((await execa('grep', ['-rl', '--', word, dataFolder], { reject: false })).stdout).toBe('')
  const files = await site.on('web-1', 'sh', '-c', `grep -rl ${word} /etc /run /var /srv /root 2>/dev/null | sort; :`)
  expect(files).toBe('/etc/larder/services/queue.env')
  expect(await site.on('web-1', 'stat', '-c', '%a %U', '/etc/larder/services/queue.env')).toBe('600 root')
  expect(
    await site.on('web-1', 'sh', '-c', `cat /proc/[0-9]*/cmdline | grep -ac ${word.replace('the', '[t]he')} || :`),
  ).toBe('0')
})

it('a machine of the role ci-client fetches the sources, builds an image, and pushes it', async (context) => {
  if (site === undefined) return context.skip(noMachine)
  const { controller, registry, dataFolder } = site
  const url = `http://${subnet}.1:${new URL(controller.url).port}`
  const password = (await readFile(join(dataFolder, 'registry-ci'), 'utf8')).trim()
  const script = `git clone -q ${url}/git/site.git /root/site
cd /root/site/counter
buildah bud -t built . >/dev/null 2>&1
buildah push -q --creds ci:${password} built docker://${registry}/built:1.0.0
skopeo inspect --creds ci:${password} --format '{{.Architecture}} {{len .Layers}}' docker://${registry}/built:1.0.0`
  expect(await site.on('ci-1', 'sh', '-ec', script)).toMatch(/^amd64 [0-9]+$/)
})

it('a container of a machine pulls with a login, too', async (context) => {
  if (site === undefined) return context.skip(noMachine)
  const storage =
    '[storage]\ndriver = "vfs"\nrunroot = "/run/containers/storage"\ngraphroot = "/var/lib/containers/storage"\n'
  const environment = { PORT: '9000', RELEASE: 'solo' }
  const resources = [
    { file: '/etc/containers/storage.conf', content: storage },
    { authority: 'registry', system: false },
    { container: 'solo', image: 'counter', environment, cgroups: 'disabled', ready: { tcp: 9000 } },
  ]
  const run = await site.apply(sections({ port: 8090, release: 'two', resources }))
  expect(run.state, JSON.stringify(run.error)).toBe('succeeded')
  expect(await textOf(`http://${balancer}:9000/cgi-bin/release`)).toBe('solo')
})

async function encrypted({ controller }: ServiceSite, text: string): Promise<string> {
  const encrypter = new Encrypter()
  encrypter.addRecipient(await controller.larder.controller.siteRecipient())
  return armor.encode(await encrypter.encrypt(text))
}

/** A connection to the queue, and what that said first. */
async function converse(): Promise<{ socket: Socket; greeting: string }> {
  const socket = createConnection({ host: balancer, port: 7001 })
  // Ended by its deadline, it may be reset.
  socket.on('error', () => socket.destroy())
  await once(socket, 'connect')
  let greeting = ''
  for await (const line of createInterface({ input: socket })) {
    greeting = line
    break
  }
  // Else nobody would see its end.
  socket.resume()
  return { socket, greeting }
}
