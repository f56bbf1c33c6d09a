import { describe } from 'vitest'
import { list, testClosures, type ClosureCase } from './testing/closure-cases.ts'

const cases: ClosureCase[] = [
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

describe('over several architectures, resolveClosure', () => testClosures(cases))
