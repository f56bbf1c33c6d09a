import { describe } from 'vitest'
import { list, testClosures, type ClosureCase } from './testing/closure-cases.ts'

const cases: ClosureCase[] = [
  {
    title: 'takes the package of the name before others that provide it, and hints before the alphabet',
    upstreams: [
      [
        ['a', { requires: ['mail', 'lang'], suggests: ['lang-small'] }],
        ['exim', { provides: ['mail'] }],
        ['mail'],
        ['lang-a', { provides: ['lang'] }],
        ['lang-small', { provides: ['lang'] }],
      ],
    ],
    request: { listed: list('a') },
    expected: ['a 1-1', 'lang-small 1-1', 'mail 1-1'],
    notes: ['a needs lang: lang-small is taken; lang-a would do if listed'],
  },
  {
    title: 'takes what is there already before it chooses a name, whatever the order',
    upstreams: [
      [
        ['a', { requires: ['web'] }],
        ['z', { requires: ['nginx'] }],
        ['cat', { provides: ['web'] }],
        ['nginx', { provides: ['web'] }],
      ],
    ],
    request: { listed: list('a', 'z') },
    expected: ['a 1-1', 'nginx 1-1', 'z 1-1'],
  },
  {
    title: 'gives nobody a lower version on account of another that wants it',
    upstreams: [[['a', { requires: ['lib'] }], ['b', { requires: ['lib = 1'] }], ['lib 1-1'], ['lib 2-1']]],
    request: { listed: list('a', 'b') },
    expected: ['a 1-1', 'b 1-1', 'lib 1-1', 'lib 2-1'],
  },
  {
    title: 'takes a lower version where the best cannot be installed, and says so',
    upstreams: [[['a 2-1', { requires: ['gone'] }], ['a 1-1']]],
    request: { listed: list('a') },
    expected: ['a 1-1'],
    notes: ['a: 1-1 is taken in place of 2-1: a → gone: no upstream has it'],
  },
  {
    title: 'keeps what excludes each other apart, and looks for another provider',
    upstreams: [
      [
        ['a', { requires: ['x', 'web'] }],
        ['x', { conflicts: ['cat < 2'] }],
        ['cat', { provides: ['web'] }],
        ['dogs', { provides: ['web'], obsoletes: ['y'] }],
        ['y'],
      ],
    ],
    request: { listed: list('a', 'y') },
    expected: ['a 1-1', 'dogs 1-1', 'x 1-1', 'y 1-1'],
  },
  {
    title: 'obsoletes by the name of a package, not by what it provides',
    upstreams: [
      [
        ['a', { requires: ['old', 'new'] }],
        ['new', { obsoletes: ['old < 1'] }],
        ['old 2-1', { provides: ['old = 0.5'] }],
      ],
    ],
    request: { listed: list('a') },
    expected: ['a 1-1', 'new 1-1', 'old 2-1'],
  },
  {
    title: 'a package does not conflict with itself, nor obsolete its own name',
    upstreams: [[['a', { requires: ['mta'], provides: ['mta'], conflicts: ['mta'], obsoletes: ['a < 5'] }]]],
    request: { listed: list('a') },
    expected: ['a 1-1'],
  },
]

describe('of several packages or versions that would do, resolveClosure', () => testClosures(cases))

const rich: [string, readonly string[], readonly string[]][] = [
  ['(x and y)', [], ['x', 'y']],
  ['(x or y)', [], ['x']],
  ['(gone or y)', [], ['y']],
  ['(x if y)', [], []],
  ['(x if y)', ['y'], ['x', 'y']],
  ['(x if y else z)', [], ['z']],
  ['(x if y else z)', ['y'], ['x', 'y']],
  ['(x if (y or z))', ['z'], ['x', 'z']],
  ['(x if (y and z))', ['z'], ['z']],
  ['((x and y) or (y and z))', ['z'], ['x', 'y', 'z']],
  ['((gone and y) or (y and z))', [], ['y', 'z']],
  ['((x and gone) or ((gone or z) and y))', [], ['y', 'z']],
  ['(cap >= 2 with cap < 3)', [], ['two']],
  ['(cap without other)', [], ['one']],
  ['(cap with (other or more))', [], ['two']],
  ['((cap = 1 or cap = 2) without other)', [], ['one']],
]

const richCases = rich.map(([requirement, besides, expected]): ClosureCase => ({
  title: `${requirement} with ${besides.join(', ') || 'nothing'}`,
  upstreams: [
    [
      ['a', { requires: [requirement, ...besides] }],
      ['x'],
      ['y'],
      ['z'],
      ['one', { provides: ['cap = 1'] }],
      ['two', { provides: ['cap = 2', 'other'] }],
      ['three', { provides: ['cap = 3', 'more', 'other'] }],
    ],
  ],
  request: { listed: list('a') },
  expected: ['a', ...expected].sort().map((name) => `${name} 1-1`),
}))

describe('of rich dependencies, resolveClosure takes', () => testClosures(richCases))
