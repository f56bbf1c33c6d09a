import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatProblem, isLarderError, problemsIn, silentProgress } from '../core/index.ts'
import { memoryFiles } from '../core/testing/memory-files.ts'
import type { Controller } from './controller.ts'
import { openTestLarder, type TestLarder } from './testing/open-test-larder.ts'

let larder: TestLarder
beforeAll(async () => {
  larder = await openTestLarder()
})
afterAll(() => larder[Symbol.asyncDispose]())

/** Every object has them, and a label of RFC 1123 may be the first. */
const inherited = ['constructor', 'toString', 'hasOwnProperty', '__proto__']

type Lookup = (controller: Controller, name: string) => Promise<unknown>
const lookups: Record<string, Lookup> = {
  mirror: (controller, name) => controller.mirror(name),
  snapshots: (controller, name) => controller.snapshots(name),
  packages: (controller, name) => controller.packages(name),
  why: (controller, name) => controller.why(name, 'alpha'),
  promote: (controller, name) => controller.promote(name, 1),
  rollback: (controller, name) => controller.rollback(name),
  verify: (controller, name) => controller.verify(name),
  ownPackages: (controller, name) => controller.ownPackages(name),
  keys: (controller, name) => controller.keys(name),
  rotateKey: (controller, name) => controller.rotateKey(name),
  image: (controller, name) => controller.image(name),
  removeImage: (controller, name) => controller.removeImage(name, '1'),
  machine: (controller, name) => controller.machine(name),
  planMachines: (controller, name) => controller.planMachines([name]),
  machineKey: (controller, name) => controller.machineKey(name),
  service: (controller, name) => controller.service(name),
  restartService: (controller, name) => controller.restartService(name),
}

describe.each(inherited)('%s', (name) => {
  it.each(Object.keys(lookups))('is nothing to %s where nobody has declared it', async (lookup) => {
    const failure = await lookups[lookup]!(larder.larder.controller, name).catch((error: unknown) => error)
    expect(failure).toMatchObject({
      name: 'LarderError',
      code: expect.stringMatching(/UNKNOWN|NOT_FOUND|INVALID|USAGE/),
    })
  })
})

const mirror = { format: 'apt', upstreams: ['constructor'], suite: 'stable', architectures: ['amd64'] }
const machine = (port: number) => ({ at: 'ssh', ssh: { address: '127.0.0.1', port } })

async function plan(site: object): Promise<string[]> {
  const { url, key } = larder.upstream
  const upstreams = { constructor: { format: 'apt', url, keys: ['key.asc'] } }
  const mirrors = { constructor: { ...mirror, packages: ['alpha'] } }
  const files = { 'key.asc': key, 'larder.yaml': JSON.stringify({ site: 'campus', upstreams, mirrors, ...site }) }
  try {
    const changes = await larder.larder.controller.planFiles(memoryFiles(files), { progress: silentProgress })
    return changes.map(({ subject, action }) => `${action} ${subject}`)
  } catch (error) {
    if (!isLarderError(error)) throw error
    return problemsIn(error).map(formatProblem)
  }
}

describe('constructor', () => {
  it('may be the name of a mirror, an upstream, a machine and a variable of it', async () => {
    const machines = {
      constructor: { ...machine(1), variables: { constructor: 'x' } },
      web: { ...machine(2), after: ['constructor'] },
    }
    expect(await plan({ machines })).toEqual(
      expect.arrayContaining(['create mirror constructor', 'update machine constructor', 'update machine web']),
    )
  })

  it.each<[string, object]>([
    ['an upstream', { upstreams: {} }],
    ['a machine to come after', { machines: { web: { ...machine(2), after: ['constructor'] } } }],
    ['a machine of a service', { services: { shop: { machines: ['constructor'], image: 'x:1', port: 80 } } }],
    ['a section', { constructor: {} }],
    ['a key of a mirror', { mirrors: { base: { ...mirror, packages: ['alpha'], constructor: 1 } } }],
    ['a type of a resource', { machines: { web: { ...machine(1), resources: [{ constructor: 'x' }] } } }],
    ['a variable', { machines: { web: { ...machine(1), resources: [{ file: '/x', inline: '{{constructor}}' }] } } }],
    ['a role', { machines: { web: { ...machine(1), roles: ['constructor'] } } }],
  ])('is not there as %s where nobody has declared it', async (_what, site) => {
    expect((await plan(site)).join('\n')).toMatch(/^larder\.yaml:1:\d+: .*constructor/m)
  })
})
