import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compress, type Compression } from '../../../test/fixtures/upstream/index.ts'
import { makeSyntheticIndex } from '../../../test/fixtures/synthetic-index.ts'
import { chunksOf } from '../../../test/fixtures/universe-of.ts'
import { compileIndex } from '../compile-index.ts'
import type { PackageIndex } from '../package-index.ts'
import { unpackText, type PackedForm } from './packed-text.ts'

let folder: string
let stopping: AbortController
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-packed-'))
  stopping = new AbortController()
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const packages = Buffer.from(makeSyntheticIndex({ seed: 3, names: 60 }))
const formats: Compression[] = ['plain', 'gz', 'xz', 'zst']

function compile(source: AsyncIterable<Buffer>, form: Partial<PackedForm>): Promise<PackageIndex> {
  const whole = { format: 'plain' as const, maxBytes: packages.length, label: 'Packages', ...form }
  const packed = { read: () => Promise.resolve(source), form: whole }
  const options = { folder, key: 'k', kind: 'packages', label: 'upstream debian, stable/main amd64' } as const
  return compileIndex(unpackText(packed, stopping.signal), options)
}

describe('an index that is packed', () => {
  it.each(formats)('by %s is compiled', async (format) => {
    const index = await compile(chunksOf(compress(packages, format), 1000), { format, exactBytes: packages.length })
    const stanzas = Array.from({ length: index.rowCount }, (_, row) => index.stanza(row).toString())
    expect(stanzas.join('\n')).toBe(packages.toString())
    index.close()
  })

  it.each<[string, Buffer, Partial<PackedForm>, object]>([
    ['is none', gzipSync('Package: a\nno field\n'), { exactBytes: 20 }, { code: 'APT_STANZA_MALFORMED' }],
    ['is a bomb', gzipSync(Buffer.alloc(1 << 20)), { maxBytes: 1000, exactBytes: 1000 }, { code: 'DECOMPRESS_BOMB' }],
    ['is cut off', gzipSync(packages).subarray(0, 900), {}, { code: 'DECOMPRESS_FAILED' }],
  ])('and %s is refused, and leaves nothing', async (_, packed, limits, expected) => {
    await expect(compile(chunksOf(packed, 100), { format: 'gz', ...limits })).rejects.toMatchObject(expected)
    expect(await readdir(folder)).toEqual([])
  })

  it.each(formats)('by %s and stopped leaves nothing', async (format) => {
    const packed = compress(packages, format)
    async function* stopped(): AsyncGenerator<Buffer> {
      yield packed.subarray(0, 500)
      stopping.abort()
      yield* chunksOf(packed.subarray(500), 100)
    }
    await expect(compile(stopped(), { format, maxBytes: 1e9 })).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(await readdir(folder)).toEqual([])
  })

  it('and cannot be read to its end leaves nothing', async () => {
    async function* broken(): AsyncGenerator<Buffer> {
      yield* chunksOf(packages.subarray(0, 10_000))
      throw new Error('the blob is gone')
    }
    await expect(compile(broken(), {})).rejects.toThrow('the blob is gone')
    expect(await readdir(folder)).toEqual([])
  })
})
