import { expect, it } from 'vitest'
import { aptMirrorSchema } from './mirror-config.ts'

it.each<[string, Record<string, unknown>, string[]]>([
  ['packages for all beside an architecture', { architectures: ['amd64', 'all'] }, []],
  ['several of each', { architectures: ['amd64', 'i386'], components: ['main', 'contrib'] }, []],
  [
    'packages for all alone, which no machine could install',
    { architectures: ['all'] },
    ['architectures: an architecture that machines have, such as amd64: packages for all come with it'],
  ],
  ['an architecture twice', { architectures: ['i386', 'i386'] }, ['architectures: each architecture once']],
  ['a component twice', { components: ['main', 'main'] }, ['components: each component once']],
])('%s', (_, given, expected) => {
  const { error } = aptMirrorSchema.safeParse({ suite: 'stable', architectures: ['amd64'], ...given })
  expect(error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []).toEqual(expected)
})
