import { describe, expect, it } from 'vitest'
import { namesOf, universeOf } from '../../test/fixtures/universe-of.ts'
import { resolveClosure } from './closure.ts'
import { proveInstallable } from './installability.ts'
import { list, testClosures, type ClosureCase } from './testing/closure-cases.ts'

const cases: ClosureCase[] = [
  {
    title: 'needs Multi-Arch: allowed for :any',
    upstreams: [
      [
        ['a 1', { Depends: 'python3:any, perl:any | perl-any' }],
        ['python3 1', { 'Multi-Arch': 'allowed' }],
        ['perl 1', { 'Multi-Arch': 'foreign' }],
        ['perl-any 1'],
      ],
    ],
    request: { listed: list('a') },
    expected: ['a 1', 'perl-any 1', 'python3 1'],
  },
  {
    title: 'resolves each architecture with its own packages, and all with both',
    upstreams: [
      [
        ['tool 1', { Architecture: 'amd64', Depends: 'lib, data' }],
        ['tool 1', { Architecture: 'arm64', Depends: 'lib, data, extra' }],
        ['lib 2', { Architecture: 'amd64', 'Multi-Arch': 'same' }],
        ['lib 3', { Architecture: 'arm64', 'Multi-Arch': 'same' }],
        ['extra 1', { Architecture: 'arm64' }],
        ['data 1', { Architecture: 'all' }],
        ['tool 9', { Architecture: 'riscv64' }],
      ],
    ],
    architectures: ['amd64', 'arm64'],
    request: { listed: list('tool') },
    expected: ['data 1', 'extra 1', 'lib 2', 'lib 3', 'tool 1', 'tool 1'],
  },
  {
    title: 'takes a listed package for one architecture only where it says so',
    upstreams: [
      [['tool 1', { Architecture: 'amd64' }], ['tool 1', { Architecture: 'arm64', Depends: 'extra' }], ['extra 1']],
    ],
    architectures: ['amd64', 'arm64'],
    request: { listed: list({ name: 'tool', architecture: 'amd64' }) },
    expected: ['tool 1'],
  },
  {
    title: 'takes what is Multi-Arch: foreign, or named with its architecture, from another one',
    upstreams: [
      [
        ['wine 1', { Architecture: 'amd64', Depends: 'wine32:i386, helper, lib' }],
        ['wine32 1', { Architecture: 'i386', Depends: 'lib' }],
        ['helper 1', { Architecture: 'i386', 'Multi-Arch': 'foreign' }],
        ['lib 1', { Architecture: 'i386', 'Multi-Arch': 'same' }],
        ['lib 1', { Architecture: 'amd64', 'Multi-Arch': 'same' }],
      ],
    ],
    architectures: ['amd64', 'i386'],
    request: { listed: list('wine') },
    expected: ['helper 1', 'lib 1', 'lib 1', 'wine 1', 'wine32 1'],
  },
  {
    title: 'takes a package for all as one of the machine that needs it, whoever asks for it',
    upstreams: [
      [
        ['asker 1', { Architecture: 'i386', Depends: 'tool' }],
        ['tool 1', { Architecture: 'amd64', Depends: 'data', 'Multi-Arch': 'foreign' }],
        ['data 1', { Architecture: 'all', Depends: 'lib', 'Multi-Arch': 'foreign' }],
        ['lib 1', { Architecture: 'i386' }],
      ],
    ],
    architectures: ['amd64', 'i386'],
    request: { listed: list('asker') },
    expected: ['asker 1', 'data 1', 'lib 1', 'tool 1'],
  },
  {
    title: 'takes for each architecture what a package for all needs there',
    upstreams: [
      [
        ['asker 1', { Architecture: 'amd64', Depends: 'data' }],
        ['asker 1', { Architecture: 'i386', Depends: 'data' }],
        ['data 1', { Architecture: 'all', Depends: 'lib' }],
        ['lib 1', { Architecture: 'i386', Depends: 'helper' }],
        ['lib 2', { Architecture: 'amd64' }],
        ['helper 1', { Architecture: 'amd64', 'Multi-Arch': 'foreign' }],
      ],
    ],
    architectures: ['amd64', 'i386'],
    request: { listed: list('asker') },
    expected: ['asker 1', 'asker 1', 'data 1', 'helper 1', 'lib 1', 'lib 2'],
  },
]

describe('over several architectures, resolveClosure', () => {
  testClosures(cases)

  it('takes a package for all where one architecture lacks what it needs, and notes it', async () => {
    const universe = await universeOf(
      [
        [
          ['doc 1', { Architecture: 'all', Depends: 'viewer' }],
          ['viewer 1', { Architecture: 'amd64' }],
        ],
      ],
      ['amd64', 'arm64'],
    )
    const closure = resolveClosure(universe, { listed: list('doc') })
    expect(namesOf(universe, closure.rows)).toEqual(['doc 1', 'viewer 1'])
    expect(closure.notes).toEqual(['not for arm64: listed doc → viewer: only 1 in upstream up0, for amd64 (on arm64)'])
    expect(proveInstallable(universe, closure.worlds)).toEqual([])
  })
})
