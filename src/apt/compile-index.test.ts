import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeStanza, makeSyntheticIndex } from '../../test/fixtures/synthetic-index.ts'
import { chunksOf, compileText } from '../../test/fixtures/universe-of.ts'
import { compileIndex, type CompileOptions } from './compile-index.ts'
import { PackageIndex } from './package-index.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-compile-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const options = (more: Partial<CompileOptions> = {}): CompileOptions => ({
  folder,
  key: 'k1',
  kind: 'packages',
  label: 'upstream debian, stable/main amd64',
  ...more,
})

describe('compileIndex', () => {
  const text = makeSyntheticIndex({ seed: 1, names: 40 })

  it.each([1, 7, 64, 1000, 1 << 22])('keeps every stanza byte for byte, read in pieces of %i bytes', async (size) => {
    const index = await compileIndex(chunksOf(Buffer.from(text), size), options())
    const stanzas = Array.from({ length: index.rowCount }, (_, row) => index.stanza(row).toString())
    expect(stanzas.join('\n')).toBe(text)
    index.close()
  })

  it('reads the columns, and the rest from the stanza', async () => {
    const index = await compileText(
      makeStanza('libfoo1', '2:1.0-3', {
        Source: 'foo (1.0-3)',
        'Multi-Arch': 'same',
        Essential: 'yes',
        Size: '123456789012',
        SHA512: 'ab'.repeat(64),
        Depends: 'libc6 (>= 2.36),\n libbar1 | libbaz1,',
        Provides: 'foo-api-1 (= 3), foo-abi',
        'Description-md5': 'cd'.repeat(16),
      }),
    )
    const { columns } = index
    expect(index.word(columns.name[0]!)).toBe('libfoo1')
    expect(index.word(columns.version[0]!)).toBe('2:1.0-3')
    expect(index.fields(0)).toEqual({
      path: 'pool/main/l/libfoo1/libfoo1_1.0-3_amd64.deb',
      sizeBytes: 123456789012,
      installedSizeKiB: expect.any(Number) as number,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      sha512: 'ab'.repeat(64),
      descriptionMd5: 'cd'.repeat(16),
      source: { name: 'foo', version: '1.0-3' },
    })
    expect(Array.from(columns.provideName, (word) => index.word(word))).toEqual(['foo-api-1', 'foo-abi'])
    expect([0, 1].map((entry) => index.provided(entry))).toEqual(['foo-api-1 (= 3)', 'foo-abi'])
  })

  it.each([
    [{}, { name: 'a', version: '1' }],
    [{ Source: 'b' }, { name: 'b', version: '1' }],
    [{ Source: 'b (2:3-4)' }, { name: 'b', version: '2:3-4' }],
    [{ Source: 'b(5)' }, { name: 'b', version: '5' }],
    [{ Source: '(5)' }, { name: 'a', version: '5' }],
    [{ Source: 'b (5' }, { name: 'b', version: '1' }],
  ])('says what a package with %j was built from', async (fields, source) => {
    const index = await compileText(makeStanza('a', '1', fields))
    expect(index.fields(0).source).toEqual(source)
  })

  it.each([
    ['no empty line at the end', 'Package: a\nVersion: 1\n', 1],
    ['no line feed at the end', 'Package: a\nVersion: 1', 1],
    ['empty lines before, between and after', '\n\nPackage: a\n\n\n\nPackage: b\n\n\n', 2],
    ['nothing', '', 0],
    ['only empty lines', '\n\n\n', 0],
  ])('counts stanzas with %s', async (_, text, count) => {
    expect((await compileText(text)).excludedCount).toBe(count)
  })

  it.each([
    [{ Package: 'a b' }, 'its Package is malformed'],
    [{ Package: '-a' }, 'its Package is malformed'],
    [{ Package: '$(reboot)' }, 'its Package is malformed'],
    [{ Package: '' }, 'it has no Package'],
    [{ Version: '1;2' }, 'its Version is malformed'],
    [{ Version: '../1' }, 'its Version is malformed'],
    [{ Architecture: 'amd64/..' }, 'its Architecture is malformed'],
    [{ Filename: '../../etc/passwd' }, 'its Filename leads out of the repository'],
    [{ Filename: 'pool/../../x' }, 'its Filename leads out of the repository'],
    [{ Filename: 'pool/..' }, 'its Filename leads out of the repository'],
    [{ Filename: '/etc/passwd' }, 'its Filename is absolute'],
    [{ Filename: 'pool/%2e%2E/x' }, 'its Filename hides a separator'],
    [{ Filename: 'pool\\x' }, 'its Filename is malformed'],
    [{ Size: '-1' }, 'its Size is not a number'],
    [{ Size: '1e9' }, 'its Size is not a number'],
    [{ Size: '1'.repeat(16) }, 'its Size is not a number'],
    [{ SHA256: '' }, 'it has neither SHA256 nor SHA512'],
    [{ SHA256: 'ab' }, 'its SHA256 is malformed'],
    [{ SHA256: 'zz'.repeat(32) }, 'its SHA256 is malformed'],
    [{ version: '2' }, 'Version occurs twice'],
  ])('leaves out an entry with %j: %s', async (fields, reason) => {
    const index = await compileText([makeStanza('good', '1'), makeStanza('bad', '1', fields)].join('\n'))
    expect(index.rowCount).toBe(1)
    expect(index.excluded.map((excluded) => excluded.reason)).toEqual([reason])
    expect(index.excluded[0]?.line).toBe(makeStanza('good', '1').split('\n').length + 1)
  })

  it.each([['./x_1.deb'], ['pool/a%3a1/x.deb'], ['pool/..x/...']])('accepts the Filename %s', async (path) => {
    const index = await compileText(makeStanza('a', '1', { Filename: path }))
    expect(index.excluded).toEqual([])
    expect(index.fields(0).path).toBe(path)
  })

  it('keeps only the first notes of very many bad entries', async () => {
    const index = await compileText('Package: a\n\n'.repeat(1000))
    expect(index.excludedCount).toBe(1000)
    expect(index.excluded).toHaveLength(100)
  })

  it.each([
    ['a line without a colon', 'Package: a\nnonsense\n', 'line 2: "nonsense" is neither a field'],
    ['a page of HTML', '<html>\n<body>\n', 'line 1: "<html>"'],
    ['a field without a name', 'Package: a\n\n: b\n', 'line 3: ": b"'],
  ])('refuses an index with %s', async (_, text, message) => {
    await expect(compileText(text)).rejects.toMatchObject({
      code: 'APT_STANZA_MALFORMED',
      message: expect.stringContaining(message),
    })
  })

  it('refuses a stanza above the limit, whatever shape it has', async () => {
    const limits = options({ maxStanzaBytes: 5000 })
    for (const filler of ['x'.repeat(6000), 'Tag: x\n'.repeat(900), ' x\n'.repeat(2000)]) {
      const text = Buffer.from(`Package: a\nDescription: b\n${filler}`)
      for (const size of [100, 10_000])
        await expect(compileIndex(chunksOf(text, size), limits)).rejects.toMatchObject({ code: 'APT_STANZA_MALFORMED' })
    }
    const small = await compileIndex(chunksOf(Buffer.from(`${makeStanza('a', '1')}\n`.repeat(100))), limits)
    expect(small.rowCount).toBe(100)
  })

  it('refuses more than the limit of the whole, and leaves nothing behind', async () => {
    await expect(compileIndex(chunksOf(Buffer.from(text)), options({ maxTotalBytes: 1000 }))).rejects.toMatchObject({
      code: 'DECOMPRESS_BOMB',
    })
    expect(await readdir(folder)).toEqual([])
  })

  it('leaves nothing behind when the stream fails', async () => {
    async function* failing(): AsyncGenerator<Buffer> {
      yield await Promise.resolve(Buffer.from(text))
      throw new Error('gone')
    }
    await expect(compileIndex(failing(), options())).rejects.toThrow('gone')
    expect(await readdir(folder)).toEqual([])
  })

  it('answers any bytes with an index or a LarderError', async () => {
    const piece = fc.constantFrom(
      'Package: a\n',
      'Version: 1\n',
      '\n',
      ' x\n',
      'Size: 1\n',
      ':',
      'SHA256: ',
      'é',
      '\0',
      '\r\n',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 30 }), fc.integer({ min: 1, max: 40 }), async (pieces, size) => {
        const bytes = Buffer.from(pieces.join(''))
        const outcome = await compileIndex(chunksOf(bytes, size), options()).then(
          (index) => (index.close(), 'compiled'),
          (error: unknown) => (error as { code?: string }).code,
        )
        expect(['compiled', 'APT_STANZA_MALFORMED']).toContain(outcome)
      }),
      { numRuns: 100 },
    )
  })
})

describe('a Sources index', () => {
  const stanza = [
    'Package: foo\nBinary: foo, libfoo1\nVersion: 1.0-1\nArchitecture: any all\nDirectory: pool/main/f/foo\n',
    `Checksums-Sha256:\n ${'ab'.repeat(32)} 10 foo_1.0-1.dsc\n ${'cd'.repeat(32)} 30 foo_1.0.orig.tar.xz\n`,
  ].join('')

  it('has a row for each source package', async () => {
    const index = await compileIndex(chunksOf(Buffer.from(stanza)), options({ kind: 'sources' }))
    expect(index.excluded).toEqual([])
    expect(index.fields(0).path).toBe('pool/main/f/foo')
    expect(index.stanza(0).toString()).toBe(stanza)
  })

  it.each([
    ['a file that leads out', stanza.replace('foo_1.0-1.dsc', '../x.dsc')],
    ['no checksums', stanza.slice(0, stanza.indexOf('Checksums'))],
    ['a directory that leads out', stanza.replace('pool/main', '../..')],
  ])('leaves out an entry with %s', async (_, text) => {
    const index = await compileIndex(chunksOf(Buffer.from(text)), options({ kind: 'sources' }))
    expect([index.rowCount, index.excludedCount]).toEqual([0, 1])
  })
})

describe('a compiled index', () => {
  const text = Buffer.from(makeSyntheticIndex({ seed: 2, names: 20 }))

  it('is opened again', async () => {
    ;(await compileIndex(chunksOf(text), options())).close()
    const index = PackageIndex.open(folder, 'k1')!
    expect(index.rowCount).toBeGreaterThan(20)
    index.close()
  })

  it('is compiled anew when it is not there, damaged, cut off, of another key or another layout', async () => {
    const path = join(folder, 'k1.index')
    ;(await compileIndex(chunksOf(text), options())).close()
    const whole = await readFile(path)
    const flipped = (at: number): Buffer => {
      const copy = Buffer.from(whole)
      copy[at]! ^= 0x10
      return copy
    }
    const damages = [
      () => rm(path),
      () => writeFile(path, ''),
      () => truncate(path, whole.length - 1),
      () => writeFile(path, flipped(text.length + 3)),
      () => writeFile(path, flipped(whole.length - 100)),
      () => writeFile(path, flipped(whole.length - 64)),
      () => writeFile(path, flipped(whole.length - 56)),
      () => writeFile(path, flipped(whole.length - 10)),
      () => writeFile(path, Buffer.concat([whole.subarray(0, 100), whole])),
    ]
    for (const damage of damages) {
      await writeFile(path, whole)
      await damage()
      expect(PackageIndex.open(folder, 'k1')).toBeUndefined()
      const index = await compileIndex(chunksOf(text), options())
      expect(index.stanza(0).length).toBeGreaterThan(0)
      index.close()
      expect(await readFile(path)).toEqual(whole)
    }
    await writeFile(join(folder, 'k2.index'), whole)
    expect(PackageIndex.open(folder, 'k2')).toBeUndefined()
  })

  it('notices a damaged stanza when it is read, and removes the file', async () => {
    const path = join(folder, 'k1.index')
    const compiled = await compileIndex(chunksOf(text), options())
    compiled.close()
    const bytes = await readFile(path)
    bytes[5]! ^= 1
    await writeFile(path, bytes)
    const index = PackageIndex.open(folder, 'k1')!
    // Another block of 4096 bytes.
    expect(index.stanza(index.rowCount - 1).length).toBeGreaterThan(0)
    expect(index.isDamaged).toBe(false)
    expect(() => index.stanza(0)).toThrow(expect.objectContaining({ code: 'CACHE_DAMAGED', retryable: true }))
    expect([index.isDamaged, await readdir(folder)]).toEqual([true, []])
  })

  it('notices any damage to any stanza', async () => {
    const path = join(folder, 'k1.index')
    ;(await compileIndex(chunksOf(text, 777), options())).close()
    const whole = await readFile(path)
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length - 1), async (at) => {
        const bytes = Buffer.from(whole)
        bytes[at]! ^= 4
        await writeFile(path, bytes)
        const index = PackageIndex.open(folder, 'k1')!
        const { offset, length } = index.columns
        for (let row = 0; row < index.rowCount; row++) {
          const [start, end] = [offset[row]!, offset[row]! + length[row]!]
          const isHit = at >= start && at < end
          try {
            expect(index.stanza(row)).toEqual(text.subarray(start, end))
            expect(isHit).toBe(false)
          } catch (error) {
            expect(error).toMatchObject({ code: 'CACHE_DAMAGED' })
            // Of a block that is damaged, nothing is believed.
            expect(Math.floor(start / 4096) <= Math.floor(at / 4096) && at / 4096 < Math.ceil(end / 4096)).toBe(true)
          }
        }
        index.close()
      }),
      { numRuns: 30 },
    )
  })
})
