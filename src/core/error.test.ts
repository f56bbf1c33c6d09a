import { describe, expect, test } from 'vitest'
import { catalogue, type ErrorCode } from './error-catalogue.ts'
import { isLarderError, LarderError } from './error.ts'

test.each<[ErrorCode, { httpStatus: number; exitCode: number; retryable: boolean }]>([
  ['SITE_INVALID', { httpStatus: 422, exitCode: 3, retryable: false }],
  ['USAGE', { httpStatus: 400, exitCode: 2, retryable: false }],
  ['DISK_FULL', { httpStatus: 507, exitCode: 1, retryable: true }],
  ['BLOB_DAMAGED', { httpStatus: 500, exitCode: 1, retryable: false }],
])('%s says what to do with it', (code, expected) => {
  expect(new LarderError(code, { message: 'x' })).toMatchObject({ code, name: 'LarderError', ...expected })
})

test('becomes JSON without its cause', () => {
  const cause = new Error('inner')
  const error = new LarderError('NOT_FOUND', {
    message: 'no mirror "bsae"',
    hint: 'see `mirror ls`',
    cause,
    context: { mirror: 'bsae' },
  })
  expect(error.cause).toBe(cause)
  expect(JSON.parse(JSON.stringify(error))).toEqual({
    code: 'NOT_FOUND',
    message: 'no mirror "bsae"',
    hint: 'see `mirror ls`',
    context: { mirror: 'bsae' },
  })
  expect(new LarderError('NOT_FOUND', { message: 'x' }).toJSON()).toEqual({
    code: 'NOT_FOUND',
    message: 'x',
    context: {},
  })
})

test('isLarderError knows its own, and only the codes asked for', () => {
  const error = new LarderError('DISK_FULL', { message: 'x' })
  expect(isLarderError(error)).toBe(true)
  expect(isLarderError(error, 'USAGE', 'DISK_FULL')).toBe(true)
  expect(isLarderError(error, 'USAGE')).toBe(false)
  expect(isLarderError(Object.assign(new Error('x'), { code: 'DISK_FULL' }))).toBe(false)
  expect(isLarderError(undefined)).toBe(false)
})

describe('the catalogue', () => {
  test.each(Object.entries(catalogue))('%s is complete', (code, entry) => {
    expect(code).toMatch(/^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*$/)
    expect(entry.description).toMatch(/^[A-Z].*\.$/)
    expect(entry.httpStatus).toBeGreaterThanOrEqual(400)
    expect(entry.httpStatus).toBeLessThan(600)
    // What may be tried again is not the fault of what was asked, save for when it was asked.
    if (entry.retryable && ![408, 425, 429].includes(entry.httpStatus)) {
      expect(entry.httpStatus).toBeGreaterThanOrEqual(500)
    }
  })
})
