import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { xzFooterBytes, xzIndexBytes, xzUnpackedBytes } from './xz-size.ts'

function sizeOf(packed: Buffer): number | undefined {
  const footerStart = packed.length - xzFooterBytes
  const indexBytes = xzIndexBytes(packed.subarray(Math.max(0, footerStart)))
  if (indexBytes === undefined || indexBytes > footerStart) return undefined
  return xzUnpackedBytes(packed.subarray(footerStart - indexBytes, footerStart))
}

it.each([
  [0, []],
  [1, []],
  [200, ['-0']],
  [3_000_000, ['--block-size=10000', '--threads=2']],
  [3_000_000, ['--check=sha256', '-9']],
])('tells that %i bytes come out', (sizeBytes, args) => {
  const packed = execFileSync('xz', ['-zc', ...args], { input: Buffer.alloc(sizeBytes, 'ab\n') })
  expect(sizeOf(packed)).toBe(sizeBytes)
})

it('answers a number or nothing, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const size = xzUnpackedBytes(Buffer.from(bytes))
      expect(size === undefined || (Number.isSafeInteger(size) && size >= 0)).toBe(true)
      expect(xzIndexBytes(Buffer.from(bytes)) ?? 4).toBeGreaterThanOrEqual(4)
    }),
  )
})
