import { expect, it } from 'vitest'
import { FakeClock } from '../../core/testing/fake-clock.ts'
import { createPatience } from './patience.ts'

const minuteMs = 60_000

it('heals at once, then less and less often, until the machine was found as declared', () => {
  const clock = new FakeClock()
  const patience = createPatience(clock, 10 * minuteMs)
  const triesWithin = (minutes: number): number[] =>
    Array.from({ length: minutes }, (_, minute) => minute).filter(() => {
      const may = patience.mayTry('web')
      clock.advance(minuteMs)
      return may
    })
  expect(triesWithin(2000)).toEqual([0, 10, 30, 70, 150, 310, 630, 990, 1350, 1710])
  expect(patience.mayTry('db')).toBe(true)
  patience.forget('web')
  expect(triesWithin(20)).toEqual([0, 10])
})

it('tells the same of a machine once', () => {
  const patience = createPatience(new FakeClock(), minuteMs)
  const told = ['gone', 'gone', 'away', 'gone'].map((why) => patience.isNews('web', why))
  expect(told).toEqual([true, false, true, true])
  expect([patience.isNews('web', 'gone', true), patience.isNews('web', 'gone')]).toEqual([true, false])
  patience.forget('web')
  expect(patience.isNews('web', 'gone')).toBe(true)
})
