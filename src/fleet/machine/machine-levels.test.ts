import { describe, expect, it } from 'vitest'
import { machineLevels } from './machine-levels.ts'

const after = (...names: string[]) => ({ after: names })

describe('machineLevels', () => {
  it('brings up what others wait for first', () => {
    const { levels, cycle } = machineLevels({
      lb: after('web-1', 'web-2'),
      'web-1': after('db'),
      'web-2': after('db'),
      db: after(),
    })
    expect(levels).toEqual([['db'], ['web-1', 'web-2'], ['lb']])
    expect(cycle).toBeUndefined()
  })
  it('takes no notice of names that are not declared', () => {
    expect(machineLevels({ a: after('gone') }).levels).toEqual([['a']])
  })
  it.each([
    [{ a: after('a') }, ['a', 'a']],
    [{ a: after('b'), b: after('a') }, ['a', 'b', 'a']],
    [{ first: after('b'), b: after('c'), c: after('b') }, ['b', 'c', 'b']],
  ])('finds who waits for each other: %j', (machines, cycle) => {
    expect(machineLevels(machines).cycle).toEqual(cycle)
  })
})
