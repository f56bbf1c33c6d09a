import { expect, it } from 'vitest'
import { refuseRichDependencies } from './refuse-rich-dependencies.ts'
import { rpmUniverseOf, type Entry } from './testing/rows-of.ts'

const refuse = (...entries: Entry[]): void => {
  const universe = rpmUniverseOf([entries])
  refuseRichDependencies(universe, Uint32Array.from(Array(universe.rowCount).keys()))
}

it.each<[string, Entry]>([
  ['requires', ['app 2-1', { requires: ['plain', '(a >= 2 if b)'] }]],
  ['conflicts', ['app 2-1', { conflicts: ['(a and b)'] }]],
])('refuses a package whose %s yum 3 cannot read, by name', (_, entry) => {
  expect(() => refuse(['other'], entry)).toThrow(
    expect.objectContaining({
      code: 'RPM_RICH_DEPENDENCY',
      message: expect.stringContaining('app-2-1 depends on (a ') as string,
    }),
  )
})

it('takes a package with rich dependencies that yum 3 does not look at', () => {
  expect(() =>
    refuse(['app', { requires: ['a >= 1'], recommends: ['(a or b)'], supplements: ['(x and y)'] }]),
  ).not.toThrow()
})
