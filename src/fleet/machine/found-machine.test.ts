import { expect, it } from 'vitest'
import { LarderError } from '../../core/index.ts'
import type { HostPlan } from '../converge/host-plan.ts'
import { plainFacts as facts } from '../testing/plain-facts.ts'
import { foundMachine } from './found-machine.ts'
import type { ObservedMachine } from './machine-change.ts'
import { machinesSchema } from './machine-schema.ts'

const entry = (id: string, state: 'ok' | 'change', what?: string) => ({
  id,
  state,
  differences: what === undefined ? [] : [{ what }],
  why: undefined,
})

function found(more: Partial<ObservedMachine>): ReturnType<typeof foundMachine> {
  const config = machinesSchema.parse({ a: {} })['a']!
  const address = { network: 'lan', address: '192.0.2.7', prefixLength: 24 }
  const spec = { name: 'a', site: 'lab', addresses: [address], identity: '', memoryMiB: 1, cpus: 1 }
  const base = {
    name: 'a',
    config,
    spec,
    base: 'base',
    resources: [],
    waitsFor: undefined,
    renewed: [],
    isBaseToCome: false,
    plan: undefined,
    movesFrom: undefined,
  }
  return foundMachine({ ...base, state: 'running', ...more })
}

const plan = (...entries: ReturnType<typeof entry>[]): HostPlan => ({ machine: 'a', facts, entries })
const away = new LarderError('FLEET_HOST_UNREACHABLE', { message: 'a does not answer.' })
const words = (...args: Parameters<typeof found>) => {
  const { state, detail } = found(...args) ?? {}
  return [state, detail?.why]
}

it.each<[Partial<ObservedMachine>, unknown[]]>([
  [{ plan: plan(entry('file:/a', 'ok')) }, ['converged', undefined]],
  [
    { plan: plan(entry('file:/a', 'change', 'content'), entry('b', 'ok')) },
    ['different', 'Not as declared: file:/a (content).'],
  ],
  [
    { plan: plan(...['a', 'b', 'c', 'd', 'e', 'f'].map((id) => entry(id, 'change'))) },
    ['different', 'Not as declared: a, b, c, d, e and 1 more.'],
  ],
  [{ plan: { machine: 'a', unreachable: away } }, ['unreachable', 'a does not answer.']],
  [{ state: 'absent' }, ['different', 'It is gone.']],
  [{ state: 'stopped' }, ['different', 'It stands still.']],
  [{ state: undefined }, [undefined, undefined]],
  [{ waitsFor: 'no mirror yet' }, [undefined, undefined]],
])('%#: %j', (observed, expected) => {
  expect(words(observed)).toEqual(expected)
})

it('tells of each resource that differs, and where the machine is', () => {
  expect(found({ plan: plan(entry('file:/a', 'change', 'mode'), entry('b', 'ok')) })?.detail).toEqual({
    address: '192.0.2.7',
    os: 'debian 12',
    ok: 1,
    resources: [{ id: 'file:/a', outcome: 'change', why: 'mode' }],
    why: 'Not as declared: file:/a (mode).',
  })
})
