import { describe, expect, it } from 'vitest'
import { resolveClosure } from './closure.ts'
import { proveInstallable } from './installability.ts'
import { list, namesOf, problemsOf, testClosures, type ClosureCase } from './testing/closure-cases.ts'
import { checksumOf, type Entry, rpmUniverseOf } from './testing/rows-of.ts'

const cases: ClosureCase[] = [
  {
    title: 'follows Requires, and nothing else',
    upstreams: [
      [
        ['a', { requires: ['b', 'rpmlib(CompressedFileNames) <= 3.0.4-1'], recommends: ['d'], suggests: ['e'] }],
        ['b', { requires: ['a'] }],
        ['d', { supplements: ['a'] }],
        ['e'],
      ],
    ],
    request: { listed: list('a') },
    expected: ['a 1-1', 'b 1-1'],
  },
  {
    title: 'takes the best version, whatever upstream has it',
    upstreams: [[['a', { requires: ['b'] }], ['b 1-1']], [['b 1-2'], ['b 1-1']], [['b 1-2']]],
    request: { listed: list('a') },
    expected: ['a 1-1', 'b 1-2'],
  },
  {
    title: 'compares versions as rpm does, and releases only where both have one',
    upstreams: [
      [
        ['a', { requires: ['b >= 1.10', 'c = 2', 'd < 2:0'] }],
        ['b 1.9-1'],
        ['b 1.10~rc1-1'],
        ['b 1.10-1'],
        ['c 2-7'],
        ['d 1:9-1'],
        ['d 2:1-1'],
      ],
    ],
    request: { listed: list('a') },
    expected: ['a 1-1', 'b 1.10-1', 'c 2-7', 'd 1:9-1'],
  },
  {
    title: 'satisfies a versioned requirement by a Provides without version',
    upstreams: [
      [
        ['a', { requires: ['api >= 2'] }],
        ['old', { provides: ['api = 1'] }],
        ['plain', { provides: ['api'] }],
      ],
    ],
    request: { listed: list('a') },
    expected: ['a 1-1', 'plain 1-1'],
  },
  {
    title: 'finds owners of files among what primary.xml lists, and Provides of paths',
    upstreams: [
      [
        ['a', { requires: ['/usr/bin/perl', '/usr/sbin/sendmail', '/bin/sh'] }],
        ['perl-interpreter', { files: ['/usr/bin/perl', '/etc/perl'] }],
        ['postfix', { provides: ['/usr/sbin/sendmail'] }],
        ['bash', { files: ['/bin/sh', '/usr/bin/bash'] }],
      ],
    ],
    request: { listed: list('a') },
    expected: ['a 1-1', 'bash 1-1', 'perl-interpreter 1-1', 'postfix 1-1'],
  },
  {
    title: 'holds the best versions that are asked for, each with its own needs',
    upstreams: [
      [
        ['a 1-1', { requires: ['a-lib = 1-1'] }],
        ['a 2-1', { requires: ['a-lib = 2-1'] }],
        ['a 3-1', { requires: ['a-lib = 3-1'] }],
        ['a-lib 1-1'],
        ['a-lib 2-1'],
        ['a-lib 3-1'],
      ],
    ],
    request: { listed: list('a'), versions: 2 },
    expected: ['a 2-1', 'a 3-1', 'a-lib 2-1', 'a-lib 3-1'],
  },
  {
    title: 'listed versions, by the operators of lists',
    upstreams: [[['a 1-1'], ['a 2-1'], ['a 2-2'], ['b 1:1-1'], ['b 3-1']]],
    request: {
      listed: list(
        { name: 'a', constraint: { operator: '<<', version: '2' } },
        { name: 'a', constraint: { operator: '=', version: '2-1' } },
        { name: 'b', constraint: { operator: '>=', version: '3' } },
      ),
    },
    expected: ['a 1-1', 'a 2-1', 'b 1:1-1'],
  },
  {
    title: 'lists what no package is called: a capability, a file',
    upstreams: [
      [
        ['nginx', { provides: ['web'] }],
        ['python3', { files: ['/usr/bin/python3'] }],
        ['apache', { provides: ['web'] }],
      ],
    ],
    request: { listed: list('web', '/usr/bin/python3') },
    expected: ['nginx 1-1', 'python3 1-1'],
    notes: [
      'web is no package: nginx is taken, which provides it; apache would do if listed',
      '/usr/bin/python3 is no package: python3 is taken, which provides it',
    ],
  },
  {
    title: 'follows Recommends and Supplements where asked',
    upstreams: [
      [
        ['a', { requires: ['b'], recommends: ['x', '(y if c)', '(z if b)', 'nothing'] }],
        ['b', { recommends: ['x2'] }],
        ['c'],
        ['x'],
        ['x2'],
        ['y'],
        ['z'],
        ['doc', { supplements: ['(a and z)'] }],
        ['doc-de', { supplements: ['(doc and langpacks-de)'] }],
        ['langpacks-de'],
        ['bad', { supplements: ['a'], requires: ['gone'] }],
      ],
    ],
    request: { listed: list({ name: 'a', recommends: true }) },
    expected: ['a 1-1', 'b 1-1', 'doc 1-1', 'x 1-1', 'x2 1-1', 'z 1-1'],
    notes: ['a recommends nothing: nothing can satisfy it', 'a is supplemented by bad, which cannot be installed'],
  },
  {
    title: 'never takes what is excluded',
    upstreams: [
      [
        ['a', { requires: ['web'] }],
        ['cat', { provides: ['web'] }],
        ['nginx', { provides: ['web'] }],
      ],
    ],
    request: { listed: list('a'), exclude: ['cat'] },
    expected: ['a 1-1', 'nginx 1-1'],
  },
]

describe('resolveClosure', () => {
  testClosures(cases)

  it('tells why each package is there, by the shortest way', () => {
    const universe = rpmUniverseOf([
      [
        ['a', { requires: ['b >= 1'] }],
        ['b', { requires: ['(c if b)'], recommends: ['d'] }],
        ['c'],
        ['d'],
        ['e', { supplements: ['d'] }],
      ],
    ])
    const closure = resolveClosure(universe, { listed: list('a'), recommends: true })
    expect(Array.from(closure.rows, (row) => closure.reason(row))).toEqual([
      'listed',
      'a Requires b >= 1',
      'b Requires (c if b)',
      'b Recommends d',
      'e Supplements d',
    ])
  })

  it('asks for filelists.xml only where primary.xml cannot tell', () => {
    const entries: Entry[] = [
      ['a', { requires: ['/usr/share/x', '/usr/bin/y'] }],
      ['x', { content: 'x' }],
      ['y', { files: ['/usr/bin/y'] }],
    ]
    const universe = rpmUniverseOf([entries])
    expect(problemsOf(universe, { listed: list('a') })).toEqual([
      'listed a cannot be satisfied because a → /usr/share/x: no upstream has a package with that file',
    ])
    expect([...universe.missingFiles()]).toEqual(['/usr/share/x'])
    const again = universe.withFileOwners(new Map([['/usr/share/x', [checksumOf({ name: 'x', content: 'x' })]]]))
    expect(namesOf(again, resolveClosure(again, { listed: list('a') }))).toEqual(['a 1-1', 'x 1-1', 'y 1-1'])
    expect([...again.missingFiles()]).toEqual([])
    const still = universe.withFileOwners(new Map([['/usr/share/x', []]]))
    expect(problemsOf(still, { listed: list('a') })).toHaveLength(1)
    expect([...still.missingFiles()]).toEqual([])
  })

  it('resolves more packages than are tried together, whatever excludes what', () => {
    const entries: [string, object?][] = Array.from({ length: 700 }, (_, place) => [
      `p${place}`,
      {
        requires: [
          `lib = ${1 + (place % 3)}`,
          place % 50 === 49 ? 'gone' : 'mail',
          `(q${place % 20} if p${(place * 7) % 700})`,
        ],
        conflicts: place % 5 === 0 ? [`p${(place + 1) % 700}`] : [],
      },
    ])
    for (const version of [1, 2, 3]) entries.push([`lib ${version}-1`])
    for (const name of ['exim', 'postfix']) entries.push([name, { provides: ['mail'], conflicts: ['mail'] }])
    for (let place = 0; place < 20; place++) entries.push([`q${place}`, { requires: ['exim'] }])
    const universe = rpmUniverseOf([entries])
    const good = list(...entries.flatMap(([name], place) => (place < 700 && place % 50 !== 49 ? [name] : [])))
    const closure = resolveClosure(universe, { listed: good })
    expect(closure.rows.length).toBeGreaterThan(700 - 14)
    expect(proveInstallable(universe, closure.rows)).toEqual([])
    const broken = proveInstallable(universe, entries.keys()).map(({ row }) => row)
    expect(broken).toEqual(Array.from({ length: 14 }, (_, place) => place * 50 + 49))
  })

  it('notes two files under one name and version', () => {
    const universe = rpmUniverseOf([[['a', { content: 'ours' }]], [['a', { content: 'theirs' }]]])
    const closure = resolveClosure(universe, { listed: list('a') })
    expect(closure.notes).toEqual(['a-1-1 is another file in up1 than in up0: the one of up0 is taken'])
    expect(universe.packageOf(closure.rows[0]!).upstream).toBe('up0')
  })
})

it('is sorted by name, whether it has few of all packages or most of them', () => {
  const universe = () => rpmUniverseOf([Array.from('zyxwvutsrqponmlkjihgfedcba', (name): Entry => [name])])
  const few = ['z', 'b', 'm']
  const many = Array.from('qwertyuiopasdfghjklzxcvbnm')
  const closed = (names: readonly string[], from = universe()) =>
    namesOf(from, resolveClosure(from, { listed: list(...names) })).map((text) => text[0])
  expect(closed(few)).toEqual(few.toSorted())
  const shared = universe()
  expect(closed(few, shared)).toEqual(few.toSorted())
  expect(closed(many, shared)).toEqual(many.toSorted())
  expect(closed(few, shared)).toEqual(few.toSorted())
})
