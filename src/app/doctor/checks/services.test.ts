import { expect, it } from 'vitest'
import { noStatistics } from '../../../fleet/service/testing/no-statistics.ts'
import { judgeService } from './services.ts'

type State = 'up' | 'down' | 'draining' | 'maintenance'

const onLb = (...states: State[]) => ({
  machine: 'lb-1',
  away: undefined,
  servers: states.map((state, at) => {
    const why = state === 'down' ? 'Layer4 connection problem' : undefined
    return { machine: `web-${at + 1}`, state, sessions: 0, why, statistics: noStatistics }
  }),
})
const balancers = (...states: State[]) => ({ balancers: [onLb(...states)] })

it.each<[string, Partial<Parameters<typeof judgeService>[0]>, string[]]>([
  ['all are up', balancers('up', 'up'), []],
  [
    'one is down',
    balancers('up', 'down'),
    ['error: lb-1 finds no answer at web-2 of counter: Layer4 connection problem.'],
  ],
  ['one is drained', balancers('draining', 'up'), ['warning: lb-1 gives nothing new to web-1 of counter.']],
  [
    'one was left out',
    balancers('maintenance', 'up'),
    ['warning: lb-1 was told by hand to leave out web-1 of counter.'],
  ],
  ['nobody is left', balancers('maintenance'), ['error: lb-1 was told by hand to leave out web-1 of counter.']],
  [
    'a load balancer is away',
    { balancers: [{ machine: 'lb-1', away: 'lb-1 does not answer.', servers: [] }] },
    ['error: lb-1 does not answer.'],
  ],
  ['it is on no load balancer', { balancers: [] }, []],
])('%s', (_what, service, messages) => {
  const found = judgeService({ name: 'counter', onMachines: [], balancers: [], ...service })
  expect(found.map(({ severity, message }) => `${severity}: ${message}`)).toEqual(messages)
  expect(found.every(({ subject, hint }) => subject === 'service counter' && hint !== undefined)).toBe(true)
})

it('a release that failed is told with why', () => {
  const none = { version: undefined, reference: undefined, run: undefined, checkedAt: undefined, changedAt: undefined }
  const onMachines = [{ ...none, machine: 'web-1', state: 'failed' as const, why: 'It does not start.' }]
  expect(judgeService({ name: 'counter', onMachines, balancers: [] })).toMatchObject([
    { severity: 'error', message: 'web-1: It does not start.' },
  ])
})
