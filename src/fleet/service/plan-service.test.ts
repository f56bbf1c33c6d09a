import { expect, it } from 'vitest'
import { planServices } from './plan-service.ts'
import type { LeftService, ObservedService } from './service-change.ts'
import { servicesSchema } from './service-schema.ts'

/** Known on all of its machines, and to be looked at once an image is there. */
function service(name: string, declared: { unit: string; port: number; machines: string[] }): ObservedService {
  const config = servicesSchema.parse({ [name]: declared })[name]!
  const versions = new Map(config.machines.map((machine) => [machine, undefined]))
  return { name, config, versions, waitsFor: undefined, found: [], isRestarted: false }
}

/** Whether what leaves is planned before what is rolled. */
function isFirst(left: LeftService, ...services: ObservedService[]): boolean {
  const [first] = planServices({
    services: services.map((one) => ({ ...one, waitsFor: 'an image' })),
    leftOver: [left],
  })
  return first?.action === 'remove'
}

const left = { name: 'clock', machine: 'web-1', unit: 'clock.service' }
const clockElsewhere = service('clock', { unit: 'clock.service', port: 80, machines: ['web-2'] })

it('what leaves a machine goes first where a service that is to be changed there may need what it has', () => {
  const there = { port: 81, machines: ['web-1'] }
  expect(isFirst(left, service('other', { ...there, unit: 'x.service' }))).toBe(true)
  expect(isFirst(left, clockElsewhere, service('other', { ...there, unit: 'clock.service' }))).toBe(true)
  expect(isFirst(left, clockElsewhere, service('other', { ...there, unit: 'x.service', port: 80 }))).toBe(true)
})

it('what moves to another machine begins there before it goes here', () => {
  expect(isFirst(left, clockElsewhere)).toBe(false)
  expect(isFirst(left, clockElsewhere, service('other', { unit: 'x.service', port: 81, machines: ['web-1'] }))).toBe(
    false,
  )
  expect(isFirst(left, service('other', { unit: 'x.service', port: 81, machines: ['web-3'] }))).toBe(false)
})
