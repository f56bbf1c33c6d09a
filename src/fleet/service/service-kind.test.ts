import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Change } from '../../core/index.ts'
import { counter, ServiceKindRoom } from './testing/service-kind-room.ts'

let room: ServiceKindRoom
beforeEach(async () => {
  room = await ServiceKindRoom.open()
})
afterEach(() => room.close())

describe('the kind services', () => {
  it('begins on all machines where nothing runs, and plans nothing afterwards', async () => {
    const { plan, errors } = await room.run()
    expect(errors).toEqual([])
    expect(plan).toEqual(['create service counter: one on web-1, web-2, side by side'])
    expect(await room.memory.list()).toMatchObject([
      { name: 'counter', machine: 'web-1', state: 'ready', version: 'one', runId: 7 },
      { name: 'counter', machine: 'web-2', state: 'ready', version: 'one', runId: 7 },
    ])
    expect(await room.run()).toEqual({ plan: [], errors: [] })
  })

  it('says from which to which version, and in which order', async () => {
    await room.run()
    room.world.desired = 'two'
    const { plan, errors } = await room.run()
    expect(errors).toEqual([])
    expect(plan).toEqual(['update service counter: one → two on web-1, web-2, one after the other'])
    expect((await room.memory.list()).map(({ version }) => version)).toEqual(['two', 'two'])
  })

  it('keeps what a release failed with, and what runs in its place', async () => {
    await room.run()
    room.world.desired = 'bad'
    const { errors } = await room.run()
    expect(errors[0]).toContain('it said why')
    expect(await room.memory.list()).toMatchObject([
      { machine: 'web-1', state: 'failed', version: 'one', why: expect.stringContaining('it is not ready') },
      { machine: 'web-2', state: 'ready', version: 'one' },
    ])
  })

  it('gives a release the time that the service says, to be ready and to be found up', async () => {
    const balance = { on: ['lb'], up_timeout: '5s' }
    const patient = { counter: { ...counter, ready_timeout: '5m', balance } }
    await room.run({ services: patient })
    expect(room.readyWithinMs).toBe(300_000)
    room.world.desired = 'sick'
    const { errors } = await room.run({ services: patient })
    expect(errors[0]).toContain('web-1 is down at its load balancer: no answer, 5 s after it was ready')
    await room.run()
    expect(room.readyWithinMs).toBe(60_000)
  })

  it('waits for what the same run makes or publishes, and looks at nothing for who is not trusted', async () => {
    room.isUnpublished = true
    expect(await room.summaries({})).toEqual(['known once what it needs is there: No version of counter is published.'])
    room.isUnpublished = false
    const planned: Change[] = [{ subject: 'image counter', action: 'update', summary: '', detail: null }]
    expect(await room.summaries({ planned })).toEqual(['known once what it needs is there: image counter'])
    room.states = { lb: 'absent' }
    expect(await room.summaries({})).toEqual(['known once what it needs is there: machine lb'])
    room.world.calls.length = 0
    expect(await room.summaries({ trust: 'untrusted' })).toEqual([
      'not looked at, since nobody here has vouched for this',
    ])
    expect(room.world.calls).toEqual([])
  })

  it('takes from a machine what is not declared there any more', async () => {
    await room.run()
    const one = { ...counter, machines: ['web-1'] }
    const { plan, errors } = await room.run({ services: { counter: one } })
    expect(errors).toEqual([])
    expect(plan).toEqual(['remove service counter on web-2: not declared there any more: stopped, and removed'])
    expect(room.left).toEqual(['web-2'])
    expect((await room.memory.list()).map(({ machine }) => machine)).toEqual(['web-1'])
    await room.run({ services: {} })
    expect(await room.memory.list()).toEqual([])
  })

  it('takes what leaves a machine from it before another service comes to it, which may need its port', async () => {
    await room.run()
    const { plan } = await room.run({ services: { other: { ...counter, machines: ['web-2'] } } })
    expect(plan.map((one) => one.split(':')[0])).toEqual([
      'remove service counter on web-2',
      'remove service counter on web-1',
    ])
  })

  it('begins anew what a run was asked for, and is about nothing else', async () => {
    await room.run()
    room.restarted = 'counter'
    expect((await room.run({ services: { counter, other: { ...counter, port: 81 } } })).plan).toEqual([
      'update service counter: one, begun anew on web-1, web-2, one after the other',
    ])
    room.restarted = undefined
    room.limit = ['db']
    room.world.desired = 'two'
    expect((await room.run()).plan).toEqual([])
  })

  it('has machines made again that are left to it, one after the other, and none after one that failed', async () => {
    await room.run()
    room.states = { 'web-1': 'other', 'web-2': 'other' }
    room.serving = ['web-1', 'web-2']
    room.world.desired = 'two'
    room.world.calls.length = 0
    expect(await room.run()).toEqual({
      plan: ['update service counter: known once what it needs is there: machine web-1'],
      errors: [],
    })
    const isChange = (call: string) => /^(drain|make|apply to|ready)/.test(call)
    const turn = (name: string) => [`drain ${name}`, `make ${name} again`, `apply to ${name}`, `ready ${name}`]
    expect(room.world.calls.filter(isChange)).toEqual([...turn('web-1'), ...turn('web-2')])
    expect((await room.memory.list()).map(({ version }) => version)).toEqual(['two', 'two'])
    room.world.desired = 'bad'
    const { errors } = await room.run()
    expect(errors[0]).toContain('Nothing that was of use ran there before.')
    expect(room.world.isUp('web-2')).toBe(true)
    expect(room.world.violations).toEqual([])
  })

  it('has a machine made again though a service that is not on it fails, and not where one that is on it does', async () => {
    const other = { ...counter, machines: ['web-2'], port: 81, balance: undefined }
    const services = { counter: { ...counter, machines: ['web-1'] }, other }
    await room.run({ services })
    room.states = { 'web-1': 'other' }
    room.serving = ['web-1']
    room.world.machines.get('web-2')!.isAway = true
    room.world.calls.length = 0
    expect((await room.run({ services })).errors[0]).toBe('web-2 is away.')
    expect(room.world.calls).toContain('make web-1 again')
    room.world.calls.length = 0
    expect((await room.run()).errors[0]).toBe('web-2 is away.')
    expect(room.world.calls).not.toContain('make web-1 again')
  })

  it('has one made again at once that serves nobody, for which the others wait', async () => {
    await room.run()
    room.states = { 'web-1': 'other' }
    room.serving = ['web-1']
    room.world.machines.get('web-1')!.isActive = false
    room.world.beNoticed()
    room.world.desired = 'two'
    expect((await room.run()).errors).toEqual([])
    expect((await room.memory.list()).map(({ version }) => version)).toEqual(['two', 'two'])
    expect(room.world.violations).toEqual([])
  })

  it('finishes one service when another one fails, and knows again what has become as declared', async () => {
    await room.run()
    room.world.desired = 'two'
    room.world.machines.get('web-1')!.isAway = true
    const services = { counter, other: { ...counter, machines: ['web-2'], port: 81, balance: undefined } }
    const { errors } = await room.run({ services })
    expect(errors[0]).toContain('web-2 is left as it is, so that somebody serves: web-1 is down')
    expect(await room.memory.list()).toMatchObject([
      { name: 'counter', machine: 'web-1', state: 'ready', version: 'one' },
      { name: 'counter', machine: 'web-2', state: 'failed', version: 'one' },
      { name: 'other', machine: 'web-2', state: 'ready', version: 'two' },
    ])
    room.world.machines.get('web-1')!.isAway = false
    expect((await room.run({ services })).plan).toEqual(['update service counter: one → two on web-1'])
    expect((await room.memory.list())[1]).toMatchObject({
      machine: 'web-2',
      state: 'ready',
      version: 'two',
      why: undefined,
    })
  })
})
