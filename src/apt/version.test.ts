import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLarderError } from '../core/error.ts'
import { compareVersions, isVersion, parseVersion, satisfies } from './version.ts'

describe('parseVersion', () => {
  it.each([
    ['1.0', { epoch: '0', upstream: '1.0', revision: '' }],
    ['1.0-1', { epoch: '0', upstream: '1.0', revision: '1' }],
    ['2:8.4+dfsg-1~deb12u1', { epoch: '2', upstream: '8.4+dfsg', revision: '1~deb12u1' }],
    ['1-2-3', { epoch: '0', upstream: '1-2', revision: '3' }],
    ['1:2:3-4', { epoch: '1', upstream: '2:3', revision: '4' }],
    ['0', { epoch: '0', upstream: '0', revision: '' }],
  ])('splits %s', (text, parts) => {
    expect(parseVersion(text)).toEqual(parts)
    expect(isVersion(text)).toBe(true)
  })

  it.each([
    ['', /empty/],
    ['1.0-', /after the last hyphen/],
    [':1', /before the colon/],
    ['1:', /empty/],
    ['-1', /empty/],
    ['a:1', /not a number/],
    ['-1:1', /not a number/],
    ['2147483648:1', /larger/],
    ['v1.0', /start with a digit/],
    ['1_0', /other than/],
    ['1.0 ', /other than/],
    ['1.0-a_b', /revision/],
    ['1.0;rm -rf', /other than|revision/],
    ['1.0/../..', /other than/],
    ['1é', /other than/],
  ])('refuses %j', (text, why) => {
    expect(isVersion(text)).toBe(false)
    expect(() => parseVersion(text)).toThrow(expect.objectContaining({ code: 'APT_VERSION_MALFORMED' }))
    expect(() => parseVersion(text)).toThrow(why)
  })
})

describe('compareVersions', () => {
  it.each([
    ['1.0', '=', '1.0-0'],
    ['1.0', '=', '1.00'],
    ['1.0', '=', '0:1.0'],
    ['1.01a', '=', '1.1a'],
    ['1.0', '=', ' 1.0\t'],
    ['1.0-', '=', '1.0'],
    ['1.0~', '<<', '1.0'],
    ['1.0~~', '<<', '1.0~'],
    ['1.0~~a', '<<', '1.0~'],
    ['1.0~rc1-1', '<<', '1.0~rc1-2'],
    ['1.0-1~bpo', '<<', '1.0-1'],
    ['1.0a', '<<', '1.0+'],
    ['1.0Z', '<<', '1.0a'],
    ['1.0.', '>>', '1.0'],
    ['1.0+', '<<', '1.0-1-1'],
    ['9', '<<', '10'],
    ['2:1', '>>', '1:9'],
    ['0001:1', '=', '1:1'],
    ['9007199254740993', '>>', '9007199254740992'],
    ['10000000000000000000000000000001', '>>', '10000000000000000000000000000000'],
    ['1.2-1-2', '>>', '1.2-1'],
    ['a', '<<', 'b'],
    ['', '=', '0'],
  ] as const)('%j %s %j', (a, operator, b) => {
    const expected = operator === '=' ? 0 : operator === '<<' ? -1 : 1
    expect(compareVersions(a, b)).toBe(expected)
    expect(compareVersions(b, a)).toBe(expected === 0 ? 0 : -expected)
  })

  const versions = fc.string({ unit: fc.constantFrom(...'0019azA.+-~: '.split('')), maxLength: 12 })

  it('is antisymmetric and transitive for anything', () => {
    fc.assert(
      fc.property(versions, versions, versions, (a, b, c) => {
        expect(compareVersions(a, b) + compareVersions(b, a)).toBe(0)
        expect(compareVersions(a, a)).toBe(0)
        const [low, middle, high] = [a, b, c].sort(compareVersions)
        expect(compareVersions(low ?? '', middle ?? '')).toBeLessThanOrEqual(0)
        expect(compareVersions(low ?? '', high ?? '')).toBeLessThanOrEqual(0)
      }),
      { numRuns: 3000 },
    )
  })

  it('throws nothing but its own error, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect([-1, 0, 1]).toContain(compareVersions(a, b))
        try {
          parseVersion(a)
        } catch (error) {
          expect(isLarderError(error, 'APT_VERSION_MALFORMED')).toBe(true)
        }
      }),
    )
  })
})

describe('satisfies', () => {
  it.each([
    ['1.0', '=', '1.0-0', true],
    ['1.0', '>=', '1.0', true],
    ['1.0', '>>', '1.0', false],
    ['1.0', '<<', '1.0', false],
    ['1.0', '<=', '1.0', true],
    ['1.1', '<=', '1.0', false],
    ['1.1', '>>', '1.0', true],
    ['0.9', '<<', '1.0', true],
    ['0.9', '>=', '1.0', false],
  ] as const)('%s %s %s: %s', (version, operator, wanted, expected) => {
    expect(satisfies(version, operator, wanted)).toBe(expected)
  })
})
