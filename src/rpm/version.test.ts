import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareEvr, compareVersions, formatEvr, parseEvr } from './version.ts'

const version = fc.string({
  unit: fc.constantFrom('0', '0', '1', '9', 'a', 'b', 'z', 'Z', '.', '~', '^', '-', '_', '+'),
  maxLength: 12,
})

describe('compareVersions', () => {
  it.each([
    ['1.0', '1.0', 0],
    ['1.0', '1_0', 0],
    ['1.0', '1.00', 0],
    ['1.0', '1.0.', 0],
    ['1.0', '1.1', -1],
    ['1.9', '1.10', -1],
    ['9', '10000000000000000000000001', -1],
    ['1.0', '1.0.1', -1],
    ['1.0a', '1.0', 1],
    ['1.0a', '1.0.1', -1],
    ['1a', '1b', -1],
    ['A', 'a', -1],
    ['1.0~rc1', '1.0', -1],
    ['1.0~rc1', '1.0~rc2', -1],
    ['1.0~~', '1.0~', -1],
    ['1.0', '1.0^git1', -1],
    ['1.0^git1', '1.0.1', -1],
    ['1.0^git1', '1.0^git2', -1],
    ['1.0^~', '1.0^', -1],
    ['1.0~^', '1.0~', 1],
    ['', '~', 1],
    ['', '^', -1],
    ['', '1', -1],
  ])('%s and %s: %i', (a, b, order) => {
    expect(Math.sign(compareVersions(a, b))).toBe(order)
    expect(Math.sign(compareVersions(b, a))).toBe(0 - order)
  })

  it('is an order', () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(Math.sign(compareVersions(a, b))).toBe(0 - Math.sign(compareVersions(b, a)))
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0)
          expect(compareVersions(a, c)).toBeLessThanOrEqual(0)
      }),
      { numRuns: 3000 },
    )
  })
})

describe('parseEvr', () => {
  it.each([
    ['2.0-3.el9', '0', '2.0', '3.el9'],
    ['1:2.0-3', '1', '2.0', '3'],
    ['007:2.0', '7', '2.0', ''],
    [':2.0', '0', '2.0', ''],
    ['2.0', '0', '2.0', ''],
    ['', '0', '', ''],
    ['1.0~rc1^git-1', '0', '1.0~rc1^git', '1'],
  ])('%s', (text, epoch, upstream, release) => {
    expect(parseEvr(text)).toEqual({ epoch, version: upstream, release })
  })

  it.each(['2.0-3.el9', '1:2.0-3', '2.0', '3:2.0'])('formatEvr gives %s back', (text) => {
    expect(formatEvr(parseEvr(text))).toBe(text)
  })
})

describe('compareEvr', () => {
  it.each([
    ['1:1-1', '2-2', 1],
    ['1-1', '0:1-1', 0],
    ['1-2', '1-10', -1],
  ])('%s and %s: %i', (a, b, order) => {
    expect(Math.sign(compareEvr(parseEvr(a), parseEvr(b)))).toBe(order)
  })
})
