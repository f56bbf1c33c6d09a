import { describe, expect, it } from 'vitest'
import { isLarderError, type Problem } from '../core/index.ts'
import { type Closure, type ClosureRequest, type ListedForClosure, resolveClosure } from './closure.ts'
import { proveInstallable } from './installability.ts'
import { checksumOf, type Entry, rpmUniverseOf } from './testing/rows-of.ts'
import type { Universe } from './universe.ts'

const list = (...names: (string | Partial<ListedForClosure>)[]): ListedForClosure[] =>
  names.map((entry) => ({ exclude: [], name: '', ...(typeof entry === 'string' ? { name: entry } : entry) }))

const namesOf = (universe: Universe, { rows }: Closure): string[] =>
  Array.from(rows, (row) => {
    const architecture = universe.architecture(row)
    return `${universe.name(row)} ${universe.version(row)}${architecture === 'x86_64' ? '' : ` ${architecture}`}`
  })

interface Case {
  title: string
  upstreams: readonly (readonly Entry[])[]
  architectures?: readonly string[]
  request: ClosureRequest
  expected: readonly string[]
  notes?: readonly string[]
}

const cases: Case[] = [
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
    title: 'takes a lower version where the best cannot be installed, and says so',
    upstreams: [[['a 2-1', { requires: ['gone'] }], ['a 1-1']]],
    request: { listed: list('a') },
    expected: ['a 1-1'],
    notes: ['a: 1-1 is taken in place of 2-1: a → gone: no upstream has it'],
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
  {
    title: 'several kernels together, and 32 beside 64 bits',
    upstreams: [
      [
        ['a', { requires: ['kernel-core = 1', 'kernel-core = 2', 'lib.so', 'lib.so()(64bit)'] }],
        ['kernel-core 1-1', { provides: ['installonlypkg(kernel)'] }],
        ['kernel-core 2-1', { provides: ['installonlypkg(kernel)'] }],
        ['lib', { provides: ['lib.so()(64bit)'] }],
        ['lib 1-1 i686', { provides: ['lib.so'] }],
      ],
    ],
    architectures: ['x86_64', 'i686'],
    request: { listed: list('a') },
    expected: ['a 1-1', 'kernel-core 1-1', 'kernel-core 2-1', 'lib 1-1 i686', 'lib 1-1'],
  },
  {
    title: 'prefers the own architecture, and takes another where it is named',
    upstreams: [
      [
        ['a', { requires: ['lib'] }],
        ['lib'],
        ['lib 2-1 i686'],
        ['wine 1-1 i686'],
        ['wine 1-1 i586'],
        ['wine 1-1'],
        ['tool 1-1 i686', { requires: ['data'] }],
        ['data 1-1 noarch'],
        ['src-only 1-1 src'],
      ],
    ],
    architectures: ['x86_64', 'i686'],
    request: { listed: list('a', { name: 'wine', architecture: 'i686' }, 'tool') },
    expected: ['a 1-1', 'data 1-1 noarch', 'lib 1-1', 'tool 1-1 i686', 'wine 1-1 i686'],
  },
  {
    title: 'takes the same version for 64 bits beside what is needed for 32',
    upstreams: [
      [
        ['wine 1-1 i686', { requires: ['lib.so'] }],
        ['wine'],
        ['lib 2-1 i686', { provides: ['lib.so'] }],
        ['lib 2-1', { requires: ['data'] }],
        ['lib 3-1'],
        ['data 1-1 noarch'],
      ],
    ],
    architectures: ['x86_64', 'i686'],
    request: { listed: list({ name: 'wine', architecture: 'i686' }) },
    expected: ['data 1-1 noarch', 'lib 2-1 i686', 'lib 2-1', 'wine 1-1 i686'],
  },
  {
    title: 'each kind of machine on its own',
    upstreams: [
      [['a'], ['a 1-1 aarch64', { requires: ['b'] }], ['b 1-1 noarch', { requires: ['c'] }], ['c'], ['c 1-1 aarch64']],
    ],
    architectures: ['x86_64', 'aarch64'],
    request: { listed: list('a') },
    expected: ['a 1-1 aarch64', 'a 1-1', 'b 1-1 noarch', 'c 1-1 aarch64'],
  },
  {
    title: 'what is for all architectures, for those machines alone that it is listed for',
    upstreams: [
      [
        ['a 1-1 noarch', { requires: ['b'] }],
        ['b'],
        ['b 1-1 aarch64'],
        ['c 1-1 noarch', { requires: ['d'] }],
        ['d'],
        ['d 1-1 aarch64'],
      ],
    ],
    architectures: ['x86_64', 'aarch64'],
    request: { listed: list({ name: 'a', architecture: 'aarch64' }, { name: 'c', architecture: 'noarch' }) },
    expected: ['a 1-1 noarch', 'b 1-1 aarch64', 'c 1-1 noarch', 'd 1-1 aarch64', 'd 1-1'],
  },
  {
    title: 'what is for all architectures, where it is listed for one that the machine runs besides',
    upstreams: [[['a 1-1 noarch', { requires: ['b'] }], ['b']]],
    architectures: ['x86_64', 'i686'],
    request: { listed: list({ name: 'a', architecture: 'i686' }) },
    expected: ['a 1-1 noarch', 'b 1-1'],
  },
]

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
for (const [requirement, besides, expected] of rich)
  cases.push({
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
  })

describe('resolveClosure', () => {
  it.each(cases)('$title', ({ upstreams, architectures, request, expected, notes }) => {
    const universe = rpmUniverseOf(upstreams, architectures)
    const closure = resolveClosure(universe, request)
    expect(namesOf(universe, closure)).toEqual(expected)
    if (notes !== undefined) expect(closure.notes).toEqual(notes)
    expect(proveInstallable(universe, closure.rows)).toEqual([])
    const reversed = resolveClosure(universe, { ...request, listed: [...request.listed].reverse() })
    expect(Array.from(reversed.rows)).toEqual(Array.from(closure.rows))
    expect(reversed.notes).toEqual(closure.notes)
    for (const row of closure.rows) expect(closure.reason(row)).toBeTruthy()
  })

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

function problemsOf(universe: Universe, request: ClosureRequest): string[] {
  try {
    resolveClosure(universe, request)
  } catch (error) {
    if (isLarderError(error)) return (error.context['problems'] as Problem[]).map(({ message }) => message)
    throw error
  }
  return []
}

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
