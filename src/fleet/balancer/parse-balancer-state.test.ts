import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseBalancerState } from './parse-balancer-state.ts'

/** As HAProxy 2.6.12 prints them; of the columns those that are read. */
const states = (...rows: string[]): string =>
  ['1', '# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight', ...rows, ''].join('\n')
const statistics = (...rows: string[]): string =>
  ['# pxname,svname,qcur,scur,status,check_status,check_code,last_chk,check_desc,cookie,', ...rows, ''].join('\n')

describe('parseBalancerState', () => {
  it.each([
    ['2 0', 'up'],
    ['1 0', 'up'],
    ['0 0', 'down'],
    ['2 8', 'draining'],
    ['0 8', 'draining'],
    ['2 1', 'maintenance'],
    ['0 9', 'maintenance'],
    ['0 4', 'maintenance'],
  ])('operational and administrative state %s: %s', (bits, state) => {
    const text = `== current\n${states(`3 counter 1 web-1 - ${bits} 100`)}\n${statistics('counter,web-1,0,0,UP,L7OK,200,,,,')}`
    expect(parseBalancerState(text)).toMatchObject([{ service: 'counter', machine: 'web-1', state }])
  })

  it.each([
    ['L4CON,,Connection refused,Layer4 connection problem', 'Layer4 connection problem: Connection refused'],
    ['* L7STS,503,"Service, ""away""",Layer7 wrong status', 'Layer7 wrong status 503: Service, "away"'],
    ['L4OK,,,Layer4 check passed', undefined],
    ['L7OK,200,,Layer7 check passed', undefined],
    ['INI,,,Initializing', undefined],
  ])('of a check that says %s: %s', (columns, why) => {
    const text = `== current\n${states('3 counter 1 web-1 - 0 0 100')}\n${statistics(`counter,web-1,0,0,DOWN,${columns},,`)}`
    expect(parseBalancerState(text)).toMatchObject([{ why }])
  })

  it('sums what goes on in all workers, and believes the current one', () => {
    const one = states('3 counter 1 web-1 - 2 8 100')
    const old = states('3 counter 1 web-1 - 2 0 100', '3 gone 1 web-1 - 2 0 100')
    const row = (qcur: number, scur: number): string => statistics(`counter,web-1,${qcur},${scur},UP,L7OK,200,,,web-1,`)
    const text = `== current\n${one}\n${row(1, 2)}\n== old\n${old}\n${row(0, 4)}\n== old\n${old}\n${row(0, 8)}`
    expect(parseBalancerState(text)).toMatchObject([
      { service: 'counter', machine: 'web-1', state: 'draining', sessions: 15, why: undefined, isSticky: true },
    ])
  })

  it('counts what all workers have done', () => {
    const header = 'pxname,svname,scur,bin,bout,econ,eresp,hrsp_5xx,stot,rate,rtime,downtime,'
    const row = (...counts: number[]): string => `# ${header}\ncounter,web-1,${counts.join(',')},\n`
    const of = (age: string, rows: string): string => `== ${age}\n${states('3 counter 1 web-1 - 2 0 100')}\n${rows}`
    const text = of('current', row(1, 10, 20, 1, 2, 3, 100, 5, 7, 9)) + of('old', row(1, 1, 2, 0, 1, 1, 50, 1, 99, 99))
    expect(parseBalancerState(text)[0]?.statistics).toEqual({
      requests: 150,
      failures: 4,
      serverErrors: 4,
      bytesFromClients: 11,
      bytesToClients: 22,
      requestsPerSecond: 6,
      responseMs: 7,
      downS: 9,
    })
  })

  it('believes nothing: whatever it reads is a list of whole servers', () => {
    const whole = `== current\n${states('3 counter 1 web-1 - 2 0 100')}\n${statistics('counter,web-1,0,1,UP,L7OK,200,,,,')}`
    const damaged = fc
      .tuple(fc.nat(whole.length), fc.nat(40), fc.string({ unit: 'binary' }))
      .map(([at, count, text]) => whole.slice(0, at) + text + whole.slice(at + count))
    fc.assert(
      fc.property(fc.oneof(damaged, fc.string({ unit: 'binary' })), (text) => {
        for (const { service, machine, state, sessions } of parseBalancerState(text)) {
          expect(service).not.toBe('')
          expect(machine).not.toBe('')
          expect(['up', 'down', 'draining', 'maintenance']).toContain(state)
          expect(Number.isSafeInteger(sessions) && sessions >= 0).toBe(true)
        }
      }),
    )
  })
})
