import { expect, it } from 'vitest'
import { parseRetryAfter } from './retry-after.ts'

it.each([
  ['3', 3000],
  [' 0 ', 0],
  ['Thu, 01 Jan 2026 00:00:05 GMT', 5000],
  ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
  ['soon', undefined],
  ['-1', undefined],
  [undefined, undefined],
])('Retry-After %j', (header, delayMs) => {
  const now = new Date('2026-01-01T00:00:00Z')
  if (header === '-1') expect(parseRetryAfter(header, now) ?? 0).toBe(0)
  else expect(parseRetryAfter(header, now)).toBe(delayMs)
})
