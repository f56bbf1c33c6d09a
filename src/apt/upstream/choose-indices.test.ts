import { expect, it } from 'vitest'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { parseRelease } from '../release.ts'
import { aptUpstreamSchema } from '../upstream-config.ts'
import { noHost } from '../testing/test-loader.ts'
import { chooseIndices } from './choose-indices.ts'
import { findSuites } from './find-suites.ts'

const sums = ['.xz', '.gz', '.bz2', ''].map((suffix) => ` ${'a'.repeat(64)} 12 main/binary-amd64/Packages${suffix}\n`)
const release = parseRelease(
  `Date: Sat, 10 Jan 2026 09:05:03 UTC\nArchitectures: amd64\nComponents: main\nSHA256:\n${sums.join('')}`,
)

it.each<[string, string[]]>([
  ['http://deb.example.org/debian/', ['xz', 'gz', 'bz2', 'plain']],
  ['http://127.0.0.1/debian/', ['gz', 'xz', 'bz2', 'plain']],
])('of %s the quickest form comes first', async (url, expected) => {
  const [source] = await findSuites({
    upstream: { name: 'test', config: aptUpstreamSchema.parse({ url, allowUnsigned: true }) },
    suites: ['bookworm'],
    components: ['main'],
    architectures: ['amd64'],
    files: memoryFiles({}),
    host: noHost,
  })
  const { choices } = chooseIndices(release, source!, { translations: false })
  expect(choices.map(({ variants }) => variants.map(({ format }) => format))).toEqual([expected])
})
