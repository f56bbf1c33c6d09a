import { expect, it } from 'vitest'
import { parseContentLength, parseContentRange } from './content-range.ts'

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
  ['10', 10],
  ['-1', undefined],
  ['1e3', undefined],
  ['10, 10', undefined],
  [undefined, undefined],
])('Content-Length %j', (header, sizeBytes) => {
  expect(parseContentLength(header)).toBe(sizeBytes)
})
