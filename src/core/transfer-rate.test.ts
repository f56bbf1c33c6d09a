import { expect, test } from 'vitest'
import { formatBytes } from './format-bytes.ts'
import { FakeClock } from './testing/fake-clock.ts'
import { describeTransfer, TransferRate } from './transfer-rate.ts'

const state = (doneBytes: number, label = 'packages') => ({
  label,
  doneBytes,
  totalBytes: 10_000_000,
  doneItems: 1,
  totalItems: 4,
})

test('the rate is that of the readings, and smooth', () => {
  const clock = new FakeClock()
  const rate = new TransferRate(clock)
  expect(rate.read(state(0))).toBe(0)
  clock.advance(1000)
  expect(rate.read(state(2_000_000))).toBe(2_000_000)
  clock.advance(1000)
  expect(rate.read(state(2_000_000))).toBeCloseTo(1_800_000)
})

test('another transfer begins anew', () => {
  const clock = new FakeClock()
  const rate = new TransferRate(clock)
  rate.read(state(0))
  clock.advance(1000)
  rate.read(state(5_000_000))
  clock.advance(1000)
  expect(rate.read(state(100, 'verify'))).toBe(0)
})

test.each([
  [0, 0, 'packages: 1 of 4 files, 0 B of 10.0 MB'],
  [2_500_000, 1_000_000, 'packages: 1 of 4 files, 2.5 MB of 10.0 MB, 1.0 MB/s, 8 s left'],
  [10_000_000, 1_000_000, 'packages: 1 of 4 files, 10.0 MB of 10.0 MB, 1.0 MB/s'],
])('%i bytes at %i a second', (doneBytes, bytesPerSecond, expected) => {
  expect(describeTransfer(state(doneBytes), bytesPerSecond)).toBe(expected)
})

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [12_345_678, '12.3 MB'],
  [5e15, '5000.0 TB'],
])('%i is %s', (bytes, expected) => {
  expect(formatBytes(bytes)).toBe(expected)
})
