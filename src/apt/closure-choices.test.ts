import { describe } from 'vitest'
import { list, testClosures, type ClosureCase } from './testing/closure-cases.ts'

const cases: ClosureCase[] = [
  {
    title: 'satisfies a versioned relation by a versioned Provides only',
    upstreams: [
      [
        ['a 1', { Depends: 'api (>= 2)' }],
        ['plain 9', { Provides: 'api' }],
        ['old 9', { Provides: 'api (= 1)' }],
        ['right 1', { Provides: 'other, api (= 2)' }],
      ],
    ],
    request: { listed: list('a') },
    expected: ['a 1', 'right 1'],
  },
  {
    title: 'satisfies a plain relation by any Provides, of the package that a system needs most',
    upstreams: [
      [
        ['a 1', { Depends: 'awk' }],
        ['gawk 1', { Provides: 'awk' }],
        ['mawk 1', { Provides: 'awk', Priority: 'required' }],
        ['original-awk 1', { Provides: 'awk (= 1)' }],
      ],
    ],
    request: { listed: list('a') },
    expected: ['a 1', 'mawk 1'],
  },
  {
    title: 'prefers a real package to those that provide its name',
    upstreams: [[['a 1', { Depends: 'mta' }], ['aaa 1', { Provides: 'mta', Priority: 'required' }], ['mta 1']]],
    request: { listed: list('a') },
    expected: ['a 1', 'mta 1'],
  },
  {
    title: 'takes the first alternative where nothing speaks for another (aptly #618)',
    upstreams: [
      [['postgres 1', { Depends: 'locales | locales-all' }], ['locales-all 1', { Provides: 'locales' }], ['locales 1']],
    ],
    request: { listed: list('postgres') },
    expected: ['locales 1', 'postgres 1'],
  },
  {
    title: 'takes the second alternative when the first is missing or needs what is missing',
    upstreams: [
      [['a 1', { Depends: 'gone | b | c' }], ['b 1', { Depends: 'b2' }], ['b2 1', { Depends: 'gone' }], ['c 1']],
    ],
    request: { listed: list('a') },
    expected: ['a 1', 'c 1'],
  },
  {
    title: 'decides a chain of alternatives after what is forced',
    upstreams: [
      [
        ['a 1', { Depends: 'b | c' }],
        ['z 1', { Depends: 'y' }],
        ['y 1', { Depends: 'x' }],
        ['x 1', { Depends: 'c' }],
        ['b 1'],
        ['c 1'],
      ],
    ],
    request: { listed: list('a', 'z') },
    expected: ['a 1', 'c 1', 'x 1', 'y 1', 'z 1'],
  },
  {
    title: 'checks the whole group against what is taken before it decides (aptly #618)',
    upstreams: [
      [
        ['postgres 1', { Depends: 'locales | locales-all' }],
        ['debconf 1', { Depends: 'locales-all' }],
        ['locales 1'],
        ['locales-all 1', { Provides: 'locales' }],
      ],
    ],
    request: { listed: list('postgres', 'debconf') },
    expected: ['debconf 1', 'locales-all 1', 'postgres 1'],
  },
  {
    title: 'takes another alternative when the first conflicts',
    upstreams: [[['a 1', { Depends: 'exim | postfix, b' }], ['b 1', { Conflicts: 'exim' }], ['exim 1'], ['postfix 1']]],
    request: { listed: list('a') },
    expected: ['a 1', 'b 1', 'postfix 1'],
  },
  {
    title: 'takes another alternative when the first breaks something further down',
    upstreams: [
      [
        ['a 1', { Depends: 'x | y, c' }],
        ['x 1', { Depends: 'x2' }],
        ['x2 1', { Breaks: 'd (<< 2)' }],
        ['c 1', { Depends: 'd' }],
        ['d 1'],
        ['y 1'],
      ],
    ],
    request: { listed: list('a') },
    expected: ['a 1', 'c 1', 'd 1', 'y 1'],
  },
  {
    title: 'lets a package satisfy its own relation',
    upstreams: [
      [
        ['a 1', { Depends: 'x', Provides: 'x' }],
        ['b 1', { Provides: 'x', Priority: 'required' }],
      ],
    ],
    request: { listed: list('a') },
    expected: ['a 1'],
  },
  {
    title: 'holds two versions where two listed packages need one each',
    upstreams: [[['a 1', { Depends: 'lib (= 1)' }], ['b 1', { Depends: 'lib (= 2)' }], ['lib 1'], ['lib 2']]],
    request: { listed: list('a', 'b') },
    expected: ['a 1', 'b 1', 'lib 1', 'lib 2'],
  },
  {
    title: 'takes an older version where two needs of one package agree on no other',
    upstreams: [
      [
        ['a 1', { Depends: 'b, c' }],
        ['b 1', { Depends: 'lib' }],
        ['c 1', { Depends: 'lib (<< 2)' }],
        ['lib 2'],
        ['lib 1'],
      ],
    ],
    request: { listed: list('a') },
    expected: ['a 1', 'b 1', 'c 1', 'lib 1'],
  },
  {
    title: 'takes an older version of a listed package when the newest cannot be installed',
    upstreams: [[['a 2', { Depends: 'gone' }], ['a 1']]],
    request: { listed: list('a') },
    expected: ['a 1'],
  },
  {
    title: 'takes an older version of a listed package when what the newest needs excludes itself',
    upstreams: [[['a 2', { Depends: 'b, c' }], ['a 1'], ['b 1', { Conflicts: 'c' }], ['c 1']]],
    request: { listed: list('a') },
    expected: ['a 1'],
  },
  {
    title: 'holds listed packages that exclude each other, since each can be installed by itself',
    upstreams: [
      [
        ['exim 1', { Conflicts: 'mta', Provides: 'mta' }],
        ['postfix 1', { Conflicts: 'mta', Provides: 'mta' }],
      ],
    ],
    request: { listed: list('exim', 'postfix') },
    expected: ['exim 1', 'postfix 1'],
  },
]

describe('of several packages or versions that would do, resolveClosure', () => testClosures(cases))
