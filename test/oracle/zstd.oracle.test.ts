import { execFileSync, type StdioOptions } from 'node:child_process'
import { expect, it } from 'vitest'
import { decompress } from '../../src/unpack/index.ts'

const text = Buffer.from(Array.from({ length: 3_000_000 }, (_, at) => (at * 7919) % 251))

function compressBy(program: string, ...args: string[]): Buffer {
  const stdio: StdioOptions = ['pipe', 'pipe', 'ignore']
  return execFileSync(program, [...args, '-c'], { input: text, maxBuffer: 1e9, stdio })
}

it('what pzstd and zstd make is read: many frames in a row, with and without sizes and checksums', async () => {
  const packed = [compressBy('pzstd', '-p', '4'), compressBy('zstd', '--no-check'), compressBy('zstd', '-19')]
  const source = (async function* () {
    for (const part of packed) for (let at = 0; at < part.length; at += 65_536) yield part.subarray(at, at + 65_536)
  })()
  const options = { maxBytes: 10_000_000, signal: new AbortController().signal, label: 'text' }
  const chunks: Buffer[] = []
  for await (const chunk of decompress(source, 'zst', options)) chunks.push(chunk)
  expect(Buffer.concat(chunks).equals(Buffer.concat([text, text, text]))).toBe(true)
})
