import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { DoctorFinding } from '../../src/app/doctor/doctor-report.ts'
import type { ServiceDetail } from '../../src/app/service-controller.ts'
import { openServiceSite, type ServiceSite } from './support/open-service-site.ts'
import { waitFor } from './support/wait-for-run.ts'

const subnet = '10.213.93'
const url = `http://${subnet}.31/`

const unit = `[Service]
ExecStart=/bin/busybox httpd -f -p \${PORT} -h /srv/clock
[Install]
WantedBy=multi-user.target
`
const resources = [
  { file: '/srv/clock/index.html', content: 'noon\n' },
  { unit: 'clock.service', content: unit },
]
const sections = {
  machines: {
    // What is done to this one here is to stay so until it was looked at.
    'web-1': { address: `${subnet}.21`, drift: 'report', resources },
    'web-2': { address: `${subnet}.22`, resources },
    'lb-1': { address: `${subnet}.31` },
  },
  services: {
    clock: {
      unit: 'clock.service',
      machines: ['web-1', 'web-2'],
      port: 7000,
      ready: { http: '/index.html' },
      ready_timeout: '5m',
      balance: { on: ['lb-1'], up_timeout: '5m' },
    },
  },
}

let site: ServiceSite | undefined
beforeAll(async () => {
  site = await openServiceSite({ name: 'watch', subnet })
  const run = await site?.apply(sections)
  expect(run?.state ?? 'succeeded', JSON.stringify(run?.error)).toBe('succeeded')
}, 900_000)
afterAll(() => site?.[Symbol.asyncDispose]())
const noMachine = 'this host has no APT sources to make a machine from'

/** As `GET /services/clock` tells it. */
async function askApi({ controller }: ServiceSite): Promise<ServiceDetail> {
  return (await fetch(`${controller.url}/api/v1/services/clock`)).json() as Promise<ServiceDetail>
}

async function serversOf(asked: ServiceSite): Promise<ServiceDetail['balancers'][number]['servers']> {
  return (await askApi(asked)).balancers.flatMap(({ servers }) => servers)
}

/** What a plan tells of services on these machines. */
async function planned({ controller }: ServiceSite, ...names: string[]): Promise<Record<string, unknown>> {
  const plans = await controller.larder.controller.planMachines(names)
  return Object.fromEntries(plans.map(({ name, services }) => [name, services]))
}

it('where all is as declared, a plan says so, and the load balancer tells by the API what it has counted', async (context) => {
  if (site === undefined) return context.skip(noMachine)
  expect(await planned(site, 'web-1', 'web-2', 'lb-1')).toEqual({ 'web-1': [], 'web-2': [], 'lb-1': [] })
  for (let count = 0; count < 10; count++) expect(await (await fetch(url)).text()).toBe('noon\n')
  const servers = await serversOf(site)
  expect(servers.map(({ machine, state }) => [machine, state])).toEqual([
    ['web-1', 'up'],
    ['web-2', 'up'],
  ])
  const counted = servers.map(({ statistics }) => statistics)
  expect(counted.map(({ requests, failures, serverErrors }) => [requests, failures, serverErrors])).toEqual([
    [5, 0, 0],
    [5, 0, 0],
  ])
  expect(counted.every(({ bytesToClients }) => bytesToClients > 5 * 'noon\n'.length)).toBe(true)
})

it('a service that was stopped is in the plan of its machine, and doctor tells of it and of what has failed beside', async (context) => {
  if (site === undefined) return context.skip(noMachine)
  await site.on('web-1', 'systemctl', 'stop', 'clock')
  const plans = await planned(site, 'web-1', 'web-2', 'lb-1')
  expect(plans).toMatchObject({
    'web-1': [
      {
        service: 'clock',
        resources: [
          { id: 'service:clock', differences: [{ what: 'running', from: 'inactive', to: 'active' }] },
          { id: 'ready:clock', differences: [{ what: 'ready' }] },
        ],
      },
    ],
    'web-2': [],
    'lb-1': [],
  })
  // An apply of web-2 alone takes the service to web-1, too.
  expect(await planned(site, 'web-2')).toMatchObject({ 'web-2': [{ service: 'clock', resources: [] }] })
  expect(await planned(site, 'lb-1')).toEqual({ 'lb-1': [] })

  await site.on('web-2', 'systemd-run', '--quiet', '--unit=broken', 'false')
  const asked = site
  const { findings } = await waitFor('the load balancer to find nobody there', async () => {
    const report = await asked.controller.larder.controller.doctor({ fix: false, deep: false })
    return report.findings.some(({ check }) => check === 'services') ? report : undefined
  })
  const told = (check: string): Partial<DoctorFinding>[] =>
    findings.filter((one) => one.check === check && one.severity === 'error')
  expect(told('services')).toMatchObject([{ subject: 'service clock' }])
  expect(told('services')[0]!.message).toMatch(/^lb-1 finds no answer at web-1 of clock: .+/)
  expect(told('hosts').map(({ message }) => message)).toContain('The unit broken.service of web-2 has failed.')
  expect(await (await fetch(url)).text()).toBe('noon\n')

  await site.on('web-1', 'systemctl', 'start', 'clock')
  await site.on('web-2', 'systemctl', 'reset-failed', 'broken')
  await waitFor('both to be up', async () =>
    (await serversOf(asked)).every(({ state }) => state === 'up') ? true : undefined,
  )
  expect(await planned(site, 'web-1', 'web-2')).toEqual({ 'web-1': [], 'web-2': [] })
})

it('a machine that is gone is made again without a push, and serves again; nobody misses it', async (context) => {
  if (site === undefined) return context.skip(noMachine)
  const asked = site
  const { controller } = site.controller.larder
  await execa('docker', ['rm', '--force', 'larder-watch-web-2'])
  const run = await waitFor(
    'a run that makes it again',
    async () => {
      expect((await fetch(url)).status).toBe(200)
      return (await controller.runs({ limit: 1 })).find(({ origin, finishedAt }) => origin === 'drift' && finishedAt)
    },
    500_000,
  )
  expect(run.state, JSON.stringify(run.error)).toBe('succeeded')
  expect((await controller.run(run.id)).plan?.map(({ subject }) => subject)).toContain('machine web-2')
  expect(await site.on('web-2', 'systemctl', 'is-active', 'clock')).toBe('active')
  expect((await serversOf(asked)).map(({ state }) => state)).toEqual(['up', 'up'])
})
