import { describe, expect, it } from 'vitest'
import type { RelationName, RpmRelation } from '../rpm-package.ts'
import { findContradiction, type PackageStatement } from './contradiction.ts'
import { headerOf } from './testing/header-of.ts'

const relation = (name: string, flags = 0, evr = ''): RpmRelation => ({ name, flags, evr })
const own = relation('app', 8, '1.0-1')
const ownClause = 'app = 1.0-1'

interface Said {
  title: string
  header: Partial<Record<RelationName, RpmRelation[]>>
  metadata: Partial<PackageStatement>
  files?: string[]
}

const verdictOn = ({ header, metadata, files = [] }: Said): string | undefined => {
  const rpm = headerOf('app', {
    relations: { provides: [own], ...header },
    files: files.map((path) => ({ path, kind: 'file' })),
  })
  return findContradiction(
    { requires: [], provides: [ownClause], conflicts: [], obsoletes: [], files: [], ...metadata },
    rpm,
  )
}

const agreeing: Said[] = [
  {
    title: 'the same in another order, and twice',
    header: { requires: [relation('a'), relation('b', 12, '1:2-3')] },
    metadata: { requires: ['b >= 1:2-3', 'a', 'a'] },
  },
  ...[
    ['0:1.0-2', '1.0-2'],
    [':1.0', '1.0'],
    ['01:1.0', '01:1.0'],
    ['1.0-', '1.0'],
    ['1-2-3', '1-2-3'],
  ].map(([evr, text]) => ({
    title: `the version ${evr!}`,
    header: { conflicts: [relation('a', 10, evr)] },
    metadata: { conflicts: [`a <= ${text!}`] },
  })),
  {
    title: 'a comparison with no version',
    header: { obsoletes: [relation('a', 8)] },
    metadata: { obsoletes: ['a'] },
  },
  {
    title: 'all comparisons at once, which are none',
    header: { requires: [relation('a', 14, '1')] },
    metadata: { requires: ['a'] },
  },
  {
    title: 'a rich dependency',
    header: { requires: [relation('(a >= 2 if b)', 8, '1')] },
    metadata: { requires: ['(a >= 2 if b)'] },
  },
  { title: 'what rpm provides', header: { requires: [relation('rpmlib(X)', 10, '1')] }, metadata: {} },
  { title: 'what rpm provides, written down', header: { requires: [relation('rpmlib(X)')] }, metadata: { requires: ['rpmlib(X)'] } }, // prettier-ignore
  { title: 'what may be missing', header: { requires: [relation('a', 1 << 19)] }, metadata: {} },
  { title: 'what the package itself is', header: { requires: [relation('app', 12, '0.9')] }, metadata: {} },
  {
    title: 'what it provides without a version',
    header: { provides: [own, relation('web')], requires: [relation('web', 12, '3')] },
    metadata: { provides: [ownClause, 'web'] },
  },
  {
    title: 'a file of its own',
    header: { requires: [relation('/usr/share/app')] },
    metadata: {},
    files: ['/usr/share/app'],
  },
  {
    title: 'lower symbol versions of libc',
    header: {
      requires: ['()(64bit)', '(GLIBC_2.4)(64bit)', '(GLIBC_2.34)(64bit)', '(GLIBC_PRIVATE)(64bit)'].map((symbols) =>
        relation(`libc.so.6${symbols}`),
      ),
    },
    metadata: { requires: ['libc.so.6(GLIBC_2.34)(64bit)'] },
  },
  { title: 'an old package that does not provide itself', header: { provides: [] }, metadata: {} },
  {
    title: 'another encoding',
    header: { provides: [own, relation('font(\ufffd\ufffd)')] },
    metadata: { provides: [ownClause, 'font(é)'] },
  },
  {
    title: 'a file in another encoding, and one left out',
    header: {},
    metadata: { files: ['/etc/é'] },
    files: ['/etc/\ufffd', '/etc/b'],
  },
]

const differing: (Said & { fault: RegExp })[] = [
  ...(['requires', 'provides', 'conflicts', 'obsoletes'] as const).flatMap((kind) => {
    const kept = kind === 'provides' ? [own] : []
    const keptClauses = kind === 'provides' ? [ownClause] : []
    return [
      {
        title: `leaves out of ${kind}`,
        header: { [kind]: [...kept, relation('a', 8, '1')] },
        metadata: { [kind]: keptClauses },
        fault: /leaves out that it [a-z ]+ a = 1$/,
      },
      {
        title: `adds to ${kind}`,
        header: { [kind]: kept },
        metadata: { [kind]: [...keptClauses, 'a = 1'] },
        fault: /says that it [a-z ]+ a = 1, which the package does not say$/,
      },
      {
        title: `has another version in ${kind}`,
        header: { [kind]: [...kept, relation('a', 8, '1')] },
        metadata: { [kind]: [...keptClauses, 'a = 2'] },
        fault: /a = 1$/,
      },
    ]
  }),
  {
    title: 'another comparison',
    header: { requires: [relation('a', 12, '2')] },
    metadata: { requires: ['a <= 2'] },
    fault: /requires a >= 2/,
  },
  {
    title: 'only a lower symbol version of libc',
    header: { requires: [relation('libc.so.6(GLIBC_2.4)'), relation('libc.so.6(GLIBC_2.34)')] },
    metadata: { requires: ['libc.so.6(GLIBC_2.4)'] },
    fault: /requires libc\.so\.6\(GLIBC_2\.34\)/,
  },
  {
    title: 'leaves out a later version than the package is',
    header: { requires: [relation('app', 12, '2')] },
    metadata: {},
    fault: /requires app >= 2/,
  },
  {
    title: 'provides itself in another version',
    header: {},
    metadata: { provides: [ownClause, 'app = 2'] },
    fault: /provides app = 2/,
  },
  { title: 'has a file more', header: {}, metadata: { files: ['/usr/bin/a'] }, files: ['/usr/bin/b'], fault: /bin\/a/ },
]

describe('findContradiction', () => {
  it.each(agreeing)('finds none in $title', (said) => {
    expect(verdictOn(said)).toBeUndefined()
  })

  it.each(differing)('finds that metadata $title', (said) => {
    expect(verdictOn(said)).toMatch(said.fault)
  })
})
