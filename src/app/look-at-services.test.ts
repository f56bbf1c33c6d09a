import { beforeEach, expect, it, vi } from 'vitest'
import { systemClock } from '../core/index.ts'
import { memoryFiles } from '../core/testing/memory-files.ts'
import { machineGrammar, serviceGrammar, type ObservedMachine } from '../fleet/index.ts'
import type { Host } from '../fleet/host/host.ts'
import type { ServiceTarget } from '../fleet/service/look-at-service.ts'
import { ServiceWorld } from '../fleet/service/testing/service-world.ts'
import type { ControllerContext } from './controller/context.ts'
import { planMachines } from './controller/machine-plans.ts'
import { lookAtServices } from './look-at-services.ts'

let world: ServiceWorld
let declared: object
const report = vi.fn<() => Promise<void>>()
beforeEach(async () => {
  world = new ServiceWorld(['web-1', 'web-2'])
  await world.apply(world.targets())
  declared = { counter: { unit: 'counter.service', machines: ['web-1', 'web-2'], port: 8080 } }
  report.mockReset()
})

function hostOf(name: string): Host {
  const isActive = (): boolean => world.machines.get(name)?.isActive === true
  const run = async () => ({ code: 0, stdout: Buffer.from(isActive() ? 'active\n' : ''), stderr: '' })
  return { name, run, close: async () => {} }
}

const before = { name: 'counter', version: 'one', unit: 'counter.service', state: 'ready' }

function contextOf(): ControllerContext {
  const sections = {
    machines: machineGrammar().schema.parse({ 'web-1': {}, 'web-2': {}, db: {} }),
    services: serviceGrammar().schema.parse(declared),
  }
  const place = { observe: async () => 'running', host: ({ name }: { name: string }) => hostOf(name) }
  const options = {
    memory: { list: async () => ['web-1', 'web-2'].map((machine) => ({ ...before, machine })), report },
    balancer: world.balancer,
    registry: async () => ({ host: 'registry.example.org', authority: undefined, isPlain: false }),
    room: () => ({}),
    restartOf: async () => undefined,
    machines: {
      memory: { list: async () => [] },
      ownAddresses: async () => new Map(),
      place: async () => place,
      plan: (targets: readonly ServiceTarget[]) => world.plan(targets),
      limitOf: () => Promise.reject(new Error('the limit is what is asked for')),
    },
  }
  const head = { commit: 'c', files: memoryFiles({}), site: { name: 'lab', sections } }
  return {
    siteHead: { current: async () => head },
    clock: systemClock,
    stopping: new AbortController().signal,
    fleet: { services: { options } },
  } as unknown as ControllerContext
}

/** What `larder machine plan --limit NAMES` tells of services on each machine. */
async function told(...names: string[]) {
  const machines = names.map((name) => ({ name, resources: [], state: 'running' }) as unknown as ObservedMachine)
  const plans = planMachines(machines, await lookAtServices(contextOf(), names))
  return Object.fromEntries(plans.map(({ name, services }) => [name, services]))
}

it('a service that is as declared is not told of', async () => {
  expect(await told('web-1', 'web-2', 'db')).toEqual({ 'web-1': [], 'web-2': [], db: [] })
})

it('a service that was stopped on a machine is told of there, as a run would find it now; nothing is remembered', async () => {
  world.machines.get('web-2')!.isActive = false
  const stopped = {
    service: 'counter',
    summary: 'its unit on web-2',
    unreachable: undefined,
    resources: [{ id: 'container:counter' }, { id: 'ready:counter' }],
  }
  expect(await told('web-1', 'web-2', 'db')).toMatchObject({ 'web-1': [], 'web-2': [stopped], db: [] })
  expect(report).not.toHaveBeenCalled()
})

it('an apply takes a service to all of its machines: where another one is asked about, it is told of there', async () => {
  world.machines.get('web-2')!.isActive = false
  const elsewhere = { service: 'counter', summary: 'its unit on web-2', unreachable: undefined, resources: [] }
  expect(await told('web-1')).toMatchObject({ 'web-1': [{ ...elsewhere, resources: [] }] })
  world.calls.length = 0
  expect(await told('db')).toEqual({ db: [] })
  expect(world.calls).toEqual([])
})

it('a machine that cannot be reached, and a service that is not declared there any more', async () => {
  world.machines.get('web-1')!.isAway = true
  expect((await told('web-1'))['web-1']).toMatchObject([{ service: 'counter', unreachable: expect.any(String) }])
  world.machines.get('web-1')!.isAway = false
  declared = {}
  const machines = ['web-1'].map((name) => ({ name, resources: [] }) as unknown as ObservedMachine)
  const [plan] = planMachines(machines, await lookAtServices(contextOf(), undefined))
  expect(plan?.services).toMatchObject([{ summary: 'not declared there any more: stopped, and removed' }])
})

it('where there is no main, there is nothing to look at', async () => {
  const context = { ...contextOf(), siteHead: { current: async () => undefined } } as unknown as ControllerContext
  expect(await lookAtServices(context, undefined)).toEqual({ declared: {}, changes: [] })
})
