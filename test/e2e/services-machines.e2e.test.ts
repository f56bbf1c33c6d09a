import { afterAll, beforeAll, expect, it } from 'vitest'
import { beginLoad } from '../../demo/load.ts'
import { openServiceSite, type ServiceSite } from './support/open-service-site.ts'

const subnet = '10.213.96'
const url = `http://${subnet}.31/cgi-bin/release`
const unit = '[Service]\nExecStart=/bin/busybox httpd -f -p ${PORT} -h /srv\n[Install]\nWantedBy=multi-user.target\n'

/** A service on two machines of so much memory, which a machine has from when it is made. */
function sections({ memory = 256, release = 'one' } = {}): object {
  const page = `#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n${release}"\n`
  const machine = (host: number): object => ({
    address: `${subnet}.${host}`,
    memory_mb: memory,
    resources: [
      { file: '/srv/healthz', content: 'ok\n' },
      { file: '/srv/cgi-bin/release', content: page, mode: '0755' },
    ],
  })
  const service = {
    unit: { source: 'files/pages.service' },
    machines: ['web-1', 'web-2'],
    port: 7000,
    ready: { http: '/healthz' },
    ready_timeout: '30s',
    balance: { on: ['lb-1'], up_timeout: '5m' },
  }
  return {
    machines: { 'web-1': machine(21), 'web-2': machine(22), 'lb-1': { address: `${subnet}.31` } },
    services: { pages: service },
  }
}

let site: ServiceSite | undefined
beforeAll(async () => {
  site = await openServiceSite({ name: 'again', subnet })
  const run = await site?.apply(sections(), { 'files/pages.service': unit })
  expect(run?.state ?? 'succeeded', JSON.stringify(run?.error)).toBe('succeeded')
}, 900_000)
afterAll(() => site?.[Symbol.asyncDispose]())
const noMachine = 'this host has no APT sources to make a machine from'

const webs = ['web-1', 'web-2']
/** Goes with the machine. */
const mark = (on: ServiceSite): Promise<unknown> => Promise.all(webs.map((web) => on.on(web, 'touch', '/root/mark')))
const areMarked = (on: ServiceSite): Promise<boolean[]> =>
  Promise.all(webs.map(async (web) => (await on.on(web, 'ls', '/root')).includes('mark')))
const nothingToDo = ['lb-1', ...webs].map(() => ({ machine: undefined, resources: [], services: [] }))

it('machines that one merge makes again are made so in turn, and no client of their service sees it', async (context) => {
  if (site === undefined) return context.skip(noMachine)
  await mark(site)
  const load = beginLoad(url, 8)
  try {
    const run = await site.apply(sections({ memory: 320, release: 'two' }))
    expect(run.state, JSON.stringify(run.error)).toBe('succeeded')
  } finally {
    await load.end()
  }
  expect([...load.takeFailures()]).toEqual([])
  expect(load.answered()).toBeGreaterThan(100)
  expect(await (await fetch(url)).text()).toBe('two')
  expect(await areMarked(site)).toEqual([false, false])
  expect(await site.controller.larder.controller.planMachines()).toMatchObject(nothingToDo)
})

it('where the first of them does not serve when it was made, the other one is left, and the next merge goes on', async (context) => {
  if (site === undefined) return context.skip(noMachine)
  await mark(site)
  const load = beginLoad(url, 8)
  try {
    const broken = { 'files/pages.service': unit.replace('/bin/busybox', '/bin/false') }
    const run = await site.apply(sections({ memory: 256 }), broken)
    expect(run).toMatchObject({ state: 'failed', error: { code: 'FLEET_ROLLOUT_FAILED' } })
    expect(await areMarked(site)).toEqual([false, true])
    const mended = await site.apply(sections({ memory: 256 }), { 'files/pages.service': unit })
    expect(mended.state, JSON.stringify(mended.error)).toBe('succeeded')
  } finally {
    await load.end()
  }
  expect([...load.takeFailures()]).toEqual([])
  expect(await areMarked(site)).toEqual([false, false])
  expect(await site.controller.larder.controller.planMachines()).toMatchObject(nothingToDo)
})
