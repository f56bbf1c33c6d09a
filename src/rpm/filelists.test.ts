import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isLarderError } from '../core/index.ts'
import { findOwners } from './filelists.ts'
import { checksumOf, filelistsText, syntheticPackages, type TextPackage } from './testing/primary-text.ts'

async function* pieces(text: string | Buffer, size = 65_536): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const packages: TextPackage[] = [
  { name: 'a', files: ['/usr/bin/a', '/usr/share/a & <b>/ü', '/usr/share/common/', '/usr/bin/a'] },
  { name: 'b', files: ['/usr/bin/b', '/usr/share/common/'] },
  { name: 'c' },
]
const [a, b] = packages.map(checksumOf)

test('files and directories, of one package and of several', async () => {
  const wanted = new Set(['/usr/bin/a', '/usr/share/a & <b>/ü', '/usr/share/common', '/usr/bin', '/usr/bin/c'])
  for (const size of [1, 7, 65_536])
    expect(await findOwners(pieces(filelistsText(packages), size), wanted)).toEqual(
      new Map([
        ['/usr/bin/a', [a]],
        ['/usr/share/a & <b>/ü', [a]],
        ['/usr/share/common', [a, b]],
      ]),
    )
})

// Few paths are searched for by their letters, many are not.
test.each([
  { count: 300, most: 400 },
  { count: 3000, most: 12 },
])('the same as looking through the packages: %o', async ({ count, most }) => {
  const all = [...syntheticPackages(count)]
  const text = filelistsText(all)
  const paths = all.flatMap(({ files = [] }) => files)
  await fc.assert(
    fc.asyncProperty(fc.subarray([...paths, '/usr/bin/tool-x', '/etc'], { maxLength: most }), async (wanted) => {
      const expected = wanted.flatMap((path) => {
        const owners = all.filter(({ files }) => files?.includes(path)).map(checksumOf)
        return owners.length === 0 ? [] : [[path, owners] as const]
      })
      const found = await findOwners(pieces(text), new Set(wanted))
      expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected))
    }),
    { numRuns: count === 300 ? 30 : 10 },
  )
})

test('one path among many packages, however it is written', async () => {
  const many = [...syntheticPackages(4000)]
  const text = filelistsText([...many, ...packages, ...many])
  expect(text.length).toBeGreaterThan(1_000_000)
  const path = '/usr/share/common'
  const spellings = [
    path,
    '/usr/&#115;hare/common',
    '/usr/&#x73;hare/common',
    '/usr/<![CDATA[share]]>/common',
    '/usr/sh<!-- a -->are/common',
  ]
  for (const spelling of spellings) {
    const owners = await findOwners(pieces(text.replaceAll(path, spelling)), new Set([path]))
    expect(owners, spelling).toEqual(new Map([[path, [a, b]]]))
  }
  expect(await findOwners(pieces(text), new Set(['/usr/share/a & <b>/ü']))).toEqual(
    new Map([['/usr/share/a & <b>/ü', [a]]]),
  )
})

test.each([
  ['another file', '<metadata/>'],
  ['half a file', filelistsText(packages).slice(0, -30)],
  ['entities', `<!DOCTYPE a [<!ENTITY a "b">]>${filelistsText(packages)}`],
])('refuses %s', async (_, text) => {
  await expect(findOwners(pieces(text), new Set(['/a']))).rejects.toMatchObject({ code: 'RPM_XML_MALFORMED' })
})

test('a file above the limit', async () => {
  const found = findOwners(pieces(filelistsText(packages)), new Set(), { maxTotalBytes: 100 })
  await expect(found).rejects.toMatchObject({ code: 'DECOMPRESS_BOMB' })
})

test('some bytes changed: owners or a LarderError', async () => {
  const text = Buffer.from(filelistsText(packages))
  const changes = fc.array(fc.tuple(fc.nat(text.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(changes, async (all) => {
      const bytes = Buffer.from(text)
      for (const [at, value] of all) bytes[at] = value
      try {
        expect(await findOwners(pieces(bytes), new Set(['/usr/bin/b']))).toBeInstanceOf(Map)
      } catch (error) {
        expect(isLarderError(error, 'RPM_XML_MALFORMED')).toBe(true)
      }
    }),
    { numRuns: 300 },
  )
})
