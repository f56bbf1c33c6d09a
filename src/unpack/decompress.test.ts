import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { expect, it, describe } from 'vitest'
import { compress } from '../../test/fixtures/upstream/index.ts'
import { decompress, type CompressionFormat } from './decompress.ts'

const text = Buffer.from(Array.from({ length: 20_000 }, (_, line) => `line ${(line * 7919) % 10_007}\n`).join(''))

interface Way {
  format: Exclude<CompressionFormat, 'plain' | 'bz2'>
  by: string
  programPath?: string
}
const ways: Way[] = [
  { format: 'xz', by: 'xz' },
  { format: 'xz', by: 'WebAssembly', programPath: '/nonexistent' },
  { format: 'gz', by: 'zlib' },
  { format: 'zst', by: 'zlib' },
]

async function* pieces(bytes: Buffer, size = 5000): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function unpack(
  way: Way,
  source: AsyncIterable<Buffer>,
  limits: { maxBytes?: number; exactBytes?: number } = {},
) {
  const { signal } = new AbortController()
  const chunks: Buffer[] = []
  const options = { maxBytes: 10_000_000, ...limits, signal, label: 'Packages' }
  const programPath = way.programPath === undefined ? {} : { programPath: way.programPath }
  for await (const chunk of decompress(source, way.format, { ...options, ...programPath })) chunks.push(chunk)
  return Buffer.concat(chunks)
}

describe.each(ways)('$format by $by', (way) => {
  const packed = compress(text, way.format)

  it('gives back what was packed', async () => {
    expect((await unpack(way, pieces(packed), { exactBytes: text.length })).equals(text)).toBe(true)
  })

  it('takes many kinds of pieces', async () => {
    expect((await unpack(way, pieces(packed, 1))).equals(text)).toBe(true)
    expect((await unpack(way, pieces(packed, 1e9))).equals(text)).toBe(true)
  })

  it.each([
    ['cut in half', packed.subarray(0, packed.length >> 1)],
    ['a byte short', packed.subarray(0, -1)],
    ['only a header', packed.subarray(0, 6)],
    ['empty', Buffer.alloc(0)],
    ['noise', randomBytes(2000)],
    ['followed by noise', Buffer.concat([packed, Buffer.from('and so on, and so on')])],
    [
      'a byte changed',
      Buffer.concat([packed.subarray(0, 2000), Buffer.from([packed[2000]! ^ 0xff]), packed.subarray(2001)]),
    ],
  ])('refuses what is %s', async (_, bytes) => {
    const unpacked = unpack(way, pieces(bytes)).then(({ length }) => ({ code: `${length} bytes` }))
    expect(await unpacked.catch((error: unknown) => error)).toMatchObject({ code: 'DECOMPRESS_FAILED' })
  })

  it('stops a bomb', async () => {
    const bomb = compress(Buffer.alloc(50_000_000), way.format)
    await expect(unpack(way, pieces(bomb), { maxBytes: 1_000_000 })).rejects.toMatchObject({ code: 'DECOMPRESS_BOMB' })
  })

  it('holds the size against the signed one', async () => {
    const more = unpack(way, pieces(packed), { exactBytes: text.length - 1 })
    await expect(more).rejects.toMatchObject({ code: 'DECOMPRESS_BOMB' })
    const less = unpack(way, pieces(packed), { exactBytes: text.length + 1 })
    await expect(less).rejects.toMatchObject({ code: 'DECOMPRESS_FAILED' })
  })

  it('throws what the source throws', async () => {
    const broken = async function* () {
      yield packed.subarray(0, 100)
      throw new RangeError('the disk is gone')
    }
    await expect(unpack(way, broken())).rejects.toThrow('the disk is gone')
  })

  it('closes the source when left early, and leaves no process', async () => {
    let closed = false
    const source = async function* () {
      try {
        yield* pieces(packed, 100)
      } finally {
        closed = true
      }
    }
    const programPath = way.programPath === undefined ? {} : { programPath: way.programPath }
    const { signal } = new AbortController()
    for await (const chunk of decompress(source(), way.format, { maxBytes: 1e7, signal, label: 'P', ...programPath })) {
      expect(chunk.length).toBeGreaterThan(0)
      break
    }
    await expect.poll(() => closed).toBe(true)
    await expect.poll(children).toEqual([])
  })

  it('stops on request', async () => {
    const stop = new AbortController()
    const endless = async function* () {
      yield packed.subarray(0, packed.length >> 1)
      stop.abort()
      await new Promise((resolve) => setTimeout(resolve, 50))
      yield packed.subarray(packed.length >> 1)
    }
    const run = async () => {
      const programPath = way.programPath === undefined ? {} : { programPath: way.programPath }
      const options = { maxBytes: 1e7, signal: stop.signal, label: 'P', ...programPath }
      for await (const chunk of decompress(endless(), way.format, options)) expect(chunk.length).toBeGreaterThan(0)
    }
    await expect(run()).rejects.toMatchObject({ code: 'CANCELLED' })
  })
})

it.each(ways)('memory of transient chunks is given back, and none before its time: $format by $by', async (way) => {
  const much = Buffer.concat(Array.from({ length: 8 }, () => text))
  const options = { maxBytes: much.length, signal: new AbortController().signal, label: 'x', isTransient: true, ...way }
  const packed = compress(much, way.format)
  let [at, isGone] = [0, 0]
  let before: Buffer | undefined
  // Of a few bytes at once, a chunk comes in several parts.
  for (const size of [packed.length, 3]) {
    at = 0
    for await (const chunk of decompress(pieces(packed, size), way.format, options)) {
      expect(chunk.equals(much.subarray(at, at + chunk.length))).toBe(true)
      at += chunk.length
      if (before?.length === 0) isGone++
      before = chunk
    }
    expect(at).toBe(much.length)
  }
  if (way.by === 'zlib') expect(isGone).toBeGreaterThan(8)
})

it('joined xz streams and gzip members are one file', async () => {
  for (const way of ways.filter(({ format }) => format !== 'zst')) {
    const packed = compress(text, way.format)
    const both = await unpack(way, pieces(Buffer.concat([packed, packed])))
    expect(both.equals(Buffer.concat([text, text]))).toBe(true)
  }
})

function children(): string[] {
  const list = execFileSync('ps', ['-o', 'comm=', '--ppid', String(process.pid)], { encoding: 'utf8' })
  return list.split('\n').filter((name) => name === 'xz')
}
