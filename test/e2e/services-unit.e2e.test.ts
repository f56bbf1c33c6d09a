import { afterAll, beforeAll, expect, it } from 'vitest'
import { beginLoad } from '../../demo/load.ts'
import { httpdDockerfile as dockerfile } from './support/httpd-dockerfile.ts'
import { openServiceSite, type ServiceSite } from './support/open-service-site.ts'

const subnet = '10.213.98'
const url = `http://${subnet}.31/cgi-bin/release`

/** All of them on one port: none begins before the one that it follows has ended. */
const port = 7000
const page = (release: string): string => `#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n${release}"\n`
const unit = (name: string): string =>
  `[Service]\nExecStart=/bin/busybox httpd -f -p \${PORT} -h /srv/${name}\n[Install]\nWantedBy=multi-user.target\n`
const files = {
  'images.json': '[{ "service_name": "counter", "type": "Docker", "version": "1.0.0" }]',
  'counter/Dockerfile': dockerfile,
  'counter/www/healthz': 'ok\n',
  'counter/www/cgi-bin/release': page('image'),
  'files/own.service': unit('own'),
}

const resources = ['early', 'late', 'own'].flatMap((name) => [
  { file: `/srv/${name}/healthz`, content: 'ok\n' },
  { file: `/srv/${name}/cgi-bin/release`, content: page(name), mode: '0755' },
  ...(name === 'own' ? [] : [{ unit: `${name}.service`, content: unit(name) }]),
])
/** One ends at once; the other one has the port, and is never ready. */
const failing = [
  { unit: 'broken.service', content: '[Service]\nExecStart=/bin/false\n' },
  { unit: 'silent.service', content: unit('.') },
]

/** A service that is run by this. */
function sections(runs: object, { name = 'clock', readyWithin = '5m' } = {}): object {
  const balance = { on: ['lb-1'], up_timeout: '5m' }
  const service = {
    machines: ['web-1', 'web-2'],
    port,
    ready: { http: '/healthz' },
    ready_timeout: readyWithin,
    balance,
  }
  return {
    images: { list: 'images.json' },
    machines: {
      'web-1': { address: `${subnet}.21`, resources: [...resources, ...failing] },
      'web-2': { address: `${subnet}.22`, resources: [...resources, ...failing] },
      'lb-1': { address: `${subnet}.31` },
    },
    services: { [name]: { ...service, ...runs } },
  }
}

let site: ServiceSite | undefined
beforeAll(async () => {
  site = await openServiceSite({ name: 'units', subnet })
  const run = await site?.apply(sections({ unit: 'early.service' }), files)
  expect(run?.state ?? 'succeeded', JSON.stringify(run?.error)).toBe('succeeded')
}, 900_000)
afterAll(() => site?.[Symbol.asyncDispose]())
const noMachine = 'this host has no APT sources to make a machine from'

const release = async (): Promise<string> => (await fetch(url)).text()
const active = (on: ServiceSite, ...units: string[]): Promise<string> =>
  on.on('web-1', 'sh', '-c', `systemctl is-active ${units.join(' ')} || :`)

it.for([
  ['another unit', 'late', { unit: 'late.service' }],
  ['an image', 'image', { image: 'counter' }],
  ['a unit of its own, which has the name of the container', 'own', { unit: { source: 'files/own.service' } }],
] as const)(
  '%s takes the place of what ran, on the same port, and no client sees it',
  async ([, answer, runs], context) => {
    if (site === undefined) return context.skip(noMachine)
    const load = beginLoad(url, 8)
    try {
      const run = await site.apply(sections(runs))
      expect(run.state, JSON.stringify(run.error)).toBe('succeeded')
    } finally {
      await load.end()
    }
    expect([...load.takeFailures()]).toEqual([])
    expect(load.answered()).toBeGreaterThan(100)
    expect([await release(), await release()]).toEqual([answer, answer])
    const { controller } = site.controller.larder
    expect(await controller.planMachines()).toMatchObject(['lb-1', 'web-1', 'web-2'].map(() => ({ services: [] })))
  },
)

it.for(failing)('what ran before is back where another unit fails: $unit', async ({ unit: name }, context) => {
  if (site === undefined) return context.skip(noMachine)
  const load = beginLoad(url, 8)
  try {
    const run = await site.apply(sections({ unit: name }, { readyWithin: '30s' }))
    expect(run).toMatchObject({ state: 'failed', error: { code: 'FLEET_ROLLOUT_FAILED' } })
    expect(run.error?.message).toContain('What ran before is back.')
  } finally {
    await load.end()
  }
  expect([...load.takeFailures()]).toEqual([])
  expect(await active(site, 'clock.service', 'late.service', name)).toMatch(/^active\ninactive\n(?:inactive|failed)$/)
})

it('a service that is renamed takes its port, and its unit, from the one that it was', async (context) => {
  if (site === undefined) return context.skip(noMachine)
  for (const [name, unit] of [
    ['clock', 'late.service'],
    ['hours', 'late.service'],
    ['minutes', 'early.service'],
  ] as const) {
    const run = await site.apply(sections({ unit }, { name }))
    expect(run.state, JSON.stringify(run.error)).toBe('succeeded')
    expect(`${await release()}.service`).toBe(unit)
  }
  expect(await active(site, 'early.service', 'late.service', 'clock.service')).toBe('active\ninactive\ninactive')
})
