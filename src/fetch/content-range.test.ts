import { expect, it } from 'vitest'
import { parseContentLength, parseContentRange, parseRetryAfter } from './content-range.ts'

it.each([
  ['bytes 0-9/10', { start: 0, end: 10, totalBytes: 10 }],
  ['bytes 5-9/*', { start: 5, end: 10, totalBytes: undefined }],
  ['Bytes 5-5/10', { start: 5, end: 6, totalBytes: 10 }],
  ['bytes 9-5/10', undefined],
  ['bytes 5-10/10', undefined],
  ['bytes */10', undefined],
  ['items 0-9/10', undefined],
  ['bytes 0-9/10, 0-9/10', undefined],
  ['bytes 0-99999999999999999999/*', undefined],
  ['', undefined],
  [undefined, undefined],
])('Content-Range %j', (header, range) => {
  expect(parseContentRange(header)).toEqual(range)
})

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

it.each([
  ['10', 10],
  ['-1', undefined],
  ['1e3', undefined],
  ['10, 10', undefined],
  [undefined, undefined],
])('Content-Length %j', (header, sizeBytes) => {
  expect(parseContentLength(header)).toBe(sizeBytes)
})
