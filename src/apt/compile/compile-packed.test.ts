import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compress, type Compression } from '../../../test/fixtures/upstream/index.ts'
import { makeSyntheticIndex } from '../../../test/fixtures/synthetic-index.ts'
import { chunksOf } from '../../../test/fixtures/universe-of.ts'
import { decompress, type CompressionFormat } from '../../unpack/index.ts'
import { writeIndex, type CompileOptions } from '../compile-index.ts'
import { compileInWorker, startWorker } from './compile-in-worker.ts'
import { compilePacked } from './compile-packed.ts'
import { SpareWorker } from './spare-worker.ts'
import type { PackedForm } from './packed-text.ts'

let folder: string
let stopping: AbortController
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-worker-'))
  stopping = new AbortController()
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const packages = Buffer.from(makeSyntheticIndex({ seed: 3, names: 60 }))
const index = (key: string): CompileOptions => ({
  folder,
  key,
  kind: 'packages',
  label: 'upstream debian, stable/main amd64',
})
const formOf = (format: CompressionFormat, text: Buffer): PackedForm => ({
  format,
  maxBytes: text.length,
  exactBytes: text.length,
  label: 'Packages',
})

/** Without the name that a file of the cache gets. */
async function onlyFile(): Promise<Buffer> {
  const [name, ...others] = await readdir(folder)
  expect(others).toEqual([])
  const bytes = await readFile(join(folder, name!))
  await rm(join(folder, name!))
  return bytes
}

const formats: Compression[] = ['plain', 'gz', 'xz', 'zst']

describe('a thread of its own', () => {
  it.each(formats)('compiles an index from %s into the same file as this thread', async (format) => {
    const form = formOf(format, packages)
    const packed = compress(packages, format)
    await compileInWorker(chunksOf(packed, 1000), { form, options: index('k') }, stopping)
    const byThread = await onlyFile()
    await writeIndex(decompress(chunksOf(packed), format, { ...form, signal: stopping.signal }), index('k'))
    expect(byThread.equals(await onlyFile())).toBe(true)
  })

  it('takes parts that share their memory, and leaves them as they are', async () => {
    const packed = gzipSync(packages)
    const before = Buffer.from(packed)
    await compileInWorker(chunksOf(packed, 7), { form: formOf('gz', packages), options: index('k') }, stopping)
    expect(packed.equals(before)).toBe(true)
  })

  it.each<[string, Buffer, Partial<PackedForm>, object]>([
    [
      'what is no index',
      gzipSync('Package: a\nno field\n'),
      { exactBytes: 20 },
      {
        name: 'LarderError',
        code: 'APT_STANZA_MALFORMED',
        message: expect.stringContaining('stable/main amd64, line 2') as string,
        hint: expect.any(String) as string,
        context: { line: 2 },
      },
    ],
    ['a bomb', gzipSync(Buffer.alloc(1 << 20)), { maxBytes: 1000, exactBytes: 1000 }, { code: 'DECOMPRESS_BOMB' }],
    ['what is cut off', gzipSync(packages).subarray(0, 900), {}, { code: 'DECOMPRESS_FAILED' }],
  ])('refuses %s as this thread would, and leaves nothing', async (_, packed, limits, expected) => {
    const form = { ...formOf('gz', packages), ...limits }
    const compiling = compileInWorker(chunksOf(packed, 100), { form, options: index('k') }, stopping)
    await expect(compiling).rejects.toMatchObject(expected)
    expect(await readdir(folder)).toEqual([])
  })

  it('tells what the disk says', async () => {
    const options = { ...index('k'), folder: join(folder, 'a', '\0') }
    const compiling = compileInWorker(chunksOf(packages), { form: formOf('plain', packages), options }, stopping)
    await expect(compiling).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' })
  })

  it('throws what the source throws, and leaves nothing', async () => {
    async function* broken(): AsyncGenerator<Buffer> {
      yield* chunksOf(packages.subarray(0, 100_000))
      throw new Error('the blob is gone')
    }
    const task = { form: formOf('plain', packages), options: index('k') }
    await expect(compileInWorker(broken(), task, stopping)).rejects.toThrow('the blob is gone')
    expect(await readdir(folder)).toEqual([])
  })

  it.each(formats)('stops when it is told to, and leaves nothing: %s', async (format) => {
    const packed = compress(packages, format)
    async function* endless(): AsyncGenerator<Buffer> {
      yield packed.subarray(0, 500)
      stopping.abort()
      yield* chunksOf(packed.subarray(500), 100)
    }
    const form: PackedForm = { format, maxBytes: 1e9, label: 'Packages' }
    const compiling = compileInWorker(endless(), { form, options: index('k') }, stopping)
    await expect(compiling).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(await readdir(folder)).toEqual([])
  })

  it('is told to stop before it has begun', async () => {
    stopping.abort()
    const task = { form: formOf('plain', packages), options: index('k') }
    await expect(compileInWorker(chunksOf(packages), task, stopping)).rejects.toMatchObject({
      code: 'CANCELLED',
    })
  })
})

it.each([1, 2_000_000])('a text of %i packed bytes is compiled, in whichever thread', async (sizeBytes) => {
  const packed = gzipSync(packages)
  const read = () => Promise.resolve(chunksOf(packed))
  await compilePacked({ read, form: formOf('gz', packages), sizeBytes }, index('k'), stopping)
  expect((await onlyFile()).subarray(0, packages.length).equals(packages)).toBe(true)
})

it('a thread that was started before compiles one index, the next gets its own', async () => {
  const spare = new SpareWorker()
  spare.start()
  const read = () => Promise.resolve(chunksOf(gzipSync(packages)))
  const packed = { read, form: formOf('gz', packages), sizeBytes: 2_000_000 }
  await compilePacked(packed, index('k'), { signal: stopping.signal, spare })
  const first = await onlyFile()
  expect(spare.take()).toBeUndefined()
  await compilePacked(packed, index('k'), { signal: stopping.signal, spare })
  expect(first.equals(await onlyFile())).toBe(true)
})

it('a thread that nobody took ends when it is told to', async () => {
  const spare = new SpareWorker()
  spare.start()
  spare.start()
  await spare.stop()
  expect(spare.take()).toBeUndefined()
})

it('a thread that ends by itself is a failure, not a wait', async () => {
  const worker = startWorker()
  async function* endless(): AsyncGenerator<Buffer> {
    yield packages.subarray(0, 100)
    await worker.terminate()
    for (;;) yield* chunksOf(packages)
  }
  const task = { form: { format: 'plain', maxBytes: 1e9, label: 'Packages' }, options: index('k') } as const
  const compiling = compileInWorker(endless(), task, { signal: stopping.signal, worker })
  await expect(compiling).rejects.toThrow('ended with')
})
