import { describe, expect, it } from 'vitest'
import { universeOf } from '../../test/fixtures/universe-of.ts'
import { resolveClosure } from './closure.ts'
import { list, testClosures, type ClosureCase } from './testing/closure-cases.ts'

const cases: ClosureCase[] = [
  {
    title: 'follows Depends and Pre-Depends, and nothing else',
    upstreams: [
      [
        ['a 1', { Depends: 'b', 'Pre-Depends': 'c', Recommends: 'd', Suggests: 'e' }],
        ['b 1'],
        ['c 1', { Depends: 'a' }],
        ['d 1'],
        ['e 1'],
      ],
    ],
    request: { listed: list('a') },
    expected: ['a 1', 'b 1', 'c 1'],
  },
  {
    title: 'follows Recommends where asked, of all that is needed',
    upstreams: [
      [
        ['a 1', { Depends: 'b', Recommends: 'x | y' }],
        ['b 1', { Recommends: 'z, nothing' }],
        ['x 1'],
        ['y 1'],
        ['z 1'],
        ['c 1', { Recommends: 'w' }],
        ['w 1'],
      ],
    ],
    request: { listed: list({ name: 'a', recommends: true }, 'c') },
    expected: ['a 1', 'b 1', 'c 1', 'x 1', 'z 1'],
  },
  {
    title: 'leaves out a recommended package that cannot be installed, with what only it needs',
    upstreams: [
      [
        ['a 1', { Recommends: 'x, y' }],
        ['x 1', { Depends: 'x-data, x-lib' }],
        ['x-data 1', { Conflicts: 'x-lib' }],
        ['x-lib 1'],
        ['y 1', { Depends: 'gone' }],
      ],
    ],
    request: { listed: list('a'), recommends: true },
    expected: ['a 1'],
  },
  {
    title: 'finds a dependency in another upstream or suite of the mirror',
    upstreams: [[['nginx 2', { Depends: 'libssl3 (>= 3)' }]], [['libssl3 3', { Depends: 'libc6' }]], [['libc6 1']]],
    request: { listed: list('nginx') },
    expected: ['libc6 1', 'libssl3 3', 'nginx 2'],
  },
  {
    title: 'takes the highest version of all upstreams',
    upstreams: [[['a 1.0-1']], [['a 1.0-1+deb12u1']], [['a 1.0~rc1']]],
    request: { listed: list('a') },
    expected: ['a 1.0-1+deb12u1'],
  },
  {
    title: 'keeps to a constraint of the list, and takes what fits to it',
    upstreams: [
      [
        ['nginx 1.24', { Depends: 'nginx-core (= 1.24)' }],
        ['nginx 1.22', { Depends: 'nginx-core (= 1.22)' }],
        ['nginx-core 1.24'],
        ['nginx-core 1.22'],
      ],
    ],
    request: { listed: list({ name: 'nginx', constraint: { operator: '<<', version: '1.24' } }) },
    expected: ['nginx 1.22', 'nginx-core 1.22'],
  },
  {
    title: 'adds the base that is asked for, the best version of each',
    upstreams: [
      [
        ['dash 1', { Essential: 'yes', Priority: 'required', 'Pre-Depends': 'libc6' }],
        ['dash 2', { Essential: 'yes', Priority: 'required' }],
        ['libc6 1'],
        ['tzdata 1', { Priority: 'required' }],
        ['nano 1', { Priority: 'important' }],
        ['man 1', { Priority: 'standard' }],
      ],
    ],
    request: { listed: [], base: 'required' },
    expected: ['dash 2', 'tzdata 1'],
  },
  {
    title: 'adds what debootstrap and mmdebstrap ask for by name, not one of them as an alternative to the other',
    upstreams: [
      [
        ['init 1', { Priority: 'required', Depends: 'usrmerge | usr-is-merged' }],
        ['apt 1', { Priority: 'important' }],
        ['usrmerge 1'],
        ['usr-is-merged 1', { Architecture: 'all' }],
      ],
    ],
    request: { listed: [], base: 'required' },
    expected: ['apt 1', 'init 1', 'usr-is-merged 1', 'usrmerge 1'],
  },
  {
    title: 'never takes what is excluded, for one listed package or for all',
    upstreams: [
      [
        ['a 1', { Depends: 'x | y', Recommends: 'r' }],
        ['b 1', { Depends: 'x', Recommends: 's' }],
        ['x 1'],
        ['y 1'],
        ['r 1'],
        ['s 1'],
      ],
    ],
    request: { listed: list({ name: 'a', exclude: ['x'] }, 'b'), exclude: ['s'], recommends: true },
    expected: ['a 1', 'b 1', 'r 1', 'x 1', 'y 1'],
  },
]

describe('resolveClosure', () => {
  testClosures(cases)

  it('says why each package is there', async () => {
    const universe = await universeOf([
      [
        ['sh 1', { Essential: 'yes', 'Pre-Depends': 'libc6 (>= 1)' }],
        ['libc6 1'],
        ['nginx 1', { Depends: 'nginx-core (= 1) | nginx-full, sh', Recommends: 'logrotate' }],
        ['nginx-core 1'],
        ['logrotate 1'],
      ],
    ])
    const closure = resolveClosure(universe, { listed: list('nginx'), base: 'essential', recommends: true })
    expect(Array.from(closure.rows, (row) => [universe.name(row), closure.reasons.of(row)])).toEqual([
      ['libc6', 'sh Pre-Depends libc6 (>= 1)'],
      ['logrotate', 'nginx Recommends logrotate'],
      ['nginx', 'listed'],
      ['nginx-core', 'nginx Depends nginx-core (= 1) | nginx-full'],
      ['sh', 'base'],
    ])
  })

  it('notes what it decided, and where upstreams disagree', async () => {
    const universe = await universeOf([
      [
        ['a 2', { Depends: 'gone' }],
        ['a 1', { Depends: 'mta | postfix', Recommends: 'missing' }],
        ['exim 1', { Provides: 'mta' }],
        ['postfix 1', { Provides: 'mta' }],
      ],
      [['exim 1', { Provides: 'mta', SHA256: 'ab'.repeat(32) }]],
    ])
    expect(resolveClosure(universe, { listed: list('a'), recommends: true }).notes).toEqual([
      'exim 1 is another file in up1 than in up0: the one of up0 is taken',
      'a: 1 is taken in place of 2: a → gone: no upstream has it',
      'a needs mta | postfix: exim is taken; postfix would do if listed',
      'a recommends missing: nothing can satisfy it',
    ])
  })
})
