import { describe, expect, it } from 'vitest'
import { resolveClosure } from './closure.ts'
import { list, problemsOf } from './testing/closure-cases.ts'
import { type Entry, rpmUniverseOf } from './testing/rows-of.ts'

describe('what cannot be satisfied', () => {
  it.each<[string, readonly Entry[], readonly string[], string]>([
    [
      'a missing dependency',
      [['a', { requires: ['b = 1-1'] }], ['b', { requires: ['c >= 2'] }], ['c 1.5-1']],
      ['a'],
      'listed a cannot be satisfied because a → b = 1-1 → c >= 2: only 1.5-1 in upstream up0',
    ],
    [
      'two that conflict',
      [['a', { requires: ['b', 'c'] }], ['b', { conflicts: ['c'] }], ['c']],
      ['a'],
      'listed a cannot be satisfied because a → b, but a → c: b Conflicts c, and c-1-1 is that',
    ],
    [
      'two versions of one name',
      [['a', { requires: ['c = 1', 'b'] }], ['b', { requires: ['c = 2'] }], ['c 1-1'], ['c 2-1']],
      ['a'],
      'listed a cannot be satisfied because a → c = 1, but a → b → c = 2: c-1-1 and c-2-1 cannot be installed together',
    ],
    [
      'one that obsoletes another',
      [['a', { requires: ['b', 'c'] }], ['b', { obsoletes: ['c < 2'] }], ['c']],
      ['a'],
      'listed a cannot be satisfied because a → b, but a → c: b Obsoletes c < 2, and c-1-1 is that',
    ],
    [
      'a rich dependency',
      [['a', { requires: ['(b or c >= 2)'] }], ['c']],
      ['a'],
      'listed a cannot be satisfied because a → (b or c >= 2): b: no upstream has it; c >= 2: only 1-1 in upstream up0',
    ],
    [
      'a part of a rich dependency',
      [['a', { requires: ['(b and c)'] }], ['b'], ['c', { requires: ['gone'] }]],
      ['a'],
      'listed a cannot be satisfied because a → (b and c) → gone: no upstream has it',
    ],
    ['an unknown name', [['nginx']], ['ngimx'], 'no upstream has a package ngimx'],
    ['an unknown file', [['nginx']], ['/usr/bin/x'], 'no package of any upstream has the file /usr/bin/x'],
    ['an unknown module', [['nginx']], ['@nodejs:20'], 'no upstream has the module nodejs:20'],
  ])('%s', (_, entries, names, message) => {
    expect(problemsOf(rpmUniverseOf([entries]), { listed: list(...names) })).toEqual([message])
  })

  it.each(['noarch', 'x86_64', 'aarch64'])(
    'a package of %s for an architecture that the mirror is not for',
    (found) => {
      const universe = rpmUniverseOf([[[`a 1-1 ${found}`]]])
      const listed = list({ name: 'a', architecture: 'aarch64' })
      expect(problemsOf(universe, { listed })).toEqual(['a is listed for aarch64, but the mirror is for x86_64'])
    },
  )

  it('names every problem, with a suggestion for what is misspelt', () => {
    const universe = rpmUniverseOf([[['nginx'], ['b', { requires: ['gone'] }], ['c 1-1 aarch64']]], ['x86_64'])
    const listed = list('b', 'ngimx', { name: 'nginx', constraint: { operator: '>=', version: '2' } })
    expect(problemsOf(universe, { listed })).toHaveLength(3)
    expect(() => resolveClosure(universe, { listed })).toThrow(expect.objectContaining({ code: 'PACKAGE_UNKNOWN' }))
    expect(() => resolveClosure(universe, { listed: list('b') })).toThrow(
      expect.objectContaining({ code: 'CLOSURE_UNSATISFIABLE' }),
    )
  })
})
