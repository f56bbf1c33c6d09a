import { expect, it } from 'vitest'
import { describePlannedService, describeService } from './describe-service.ts'

const machine = { machine: 'web-1', from: '1.0.0', to: '1.1.0', unreachable: undefined, resources: [] }
const differences = [{ what: 'content', from: 'a', to: 'b' }]
const file = { id: 'container:counter', state: 'change' as const, differences, why: undefined }

it.each([
  ['a release after another', machine, ['  ~ web-1: 1.0.0 → 1.1.0']],
  [
    'what differs',
    { ...machine, from: '1.1.0', resources: [file] },
    ['  ~ web-1: 1.1.0', '    ~ container:counter', '        content: a → b'],
  ],
  [
    'a unit',
    { ...machine, from: undefined, to: undefined, resources: [file] },
    ['  ~ web-1: its unit', '    ~ container:counter', '        content: a → b'],
  ],
  ['a machine that is away', { ...machine, unreachable: 'web-1 is away.' }, ['  ? web-1: web-1 is away.']],
  ['what nobody has looked at', { ...machine, to: undefined }, []],
])('%s', (_, one, lines) => {
  expect(describeService({ machines: [one] })).toEqual(lines)
})

it('other changes have no machines', () => {
  expect(describeService({})).toEqual([])
})

it('a service in the plan of a machine', () => {
  const told = { service: 'counter', summary: 'its unit on web-1, web-2', unreachable: undefined, resources: [file] }
  const first = 'service counter: its unit on web-1, web-2'
  expect(describePlannedService(told)).toEqual([`  ~ ${first}`, '    ~ container:counter', '        content: a → b'])
  expect(describePlannedService({ ...told, unreachable: 'away', resources: [] })).toEqual([`  ? ${first}`])
})
