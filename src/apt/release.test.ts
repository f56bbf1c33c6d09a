import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLarderError } from '../core/error.ts'
import { parseRelease, parseReleaseDate, strongest } from './release.ts'

const a = 'a'.repeat(64)
const b = 'b'.repeat(64)
const long = 'c'.repeat(128)
const head = 'Origin: Test\nSuite: stable\nDate: Sat, 10 Jan 2026 09:05:03 UTC\n'

describe('parseRelease', () => {
  it('reads what apt uses', () => {
    const fingerprint = 'abcdef0123'.repeat(4)
    const release = parseRelease(
      `${head}Codename: bookworm\nValid-Until: Sat, 17 Jan 2026 9:05:03 +0000\nAcquire-By-Hash: yes\nNotAutomatic: yes\n` +
        `Architectures: all amd64\nComponents: main contrib\nNo-Support-for-Architecture-all: Packages\n` +
        `Signed-By: ${fingerprint},${fingerprint}!\nMD5Sum:\n 00 1 x\n` +
        `SHA256:\n ${a}       12 main/binary-amd64/Packages.xz\n ${b} 0 ./Packages\n` +
        `SHA512:\n ${long} 12 main/binary-amd64/Packages.xz\n`,
    )
    expect(release).toEqual({
      origin: 'Test',
      suite: 'stable',
      codename: 'bookworm',
      date: new Date('2026-01-10T09:05:03Z'),
      validUntil: new Date('2026-01-17T09:05:03Z'),
      architectures: ['all', 'amd64'],
      components: ['main', 'contrib'],
      acquireByHash: true,
      noSupportForArchitectureAll: true,
      notAutomatic: true,
      butAutomaticUpgrades: false,
      signedBy: [fingerprint.toUpperCase(), `${fingerprint.toUpperCase()}!`],
      files: new Map([
        ['main/binary-amd64/Packages.xz', { sizeBytes: 12, sha256: a, sha512: long }],
        ['Packages', { sizeBytes: 0, sha256: b }],
      ]),
    })
  })

  it.each([
    ['', 'APT_RELEASE_MALFORMED', /no field/],
    ['<html>\n', 'APT_RELEASE_MALFORMED', /no colon/],
    [`Suite: x\nSHA256:\n ${a} 1 f\n`, 'APT_RELEASE_MALFORMED', /no Date/],
    [`${head}MD5Sum:\n 00 1 f\n`, 'APT_RELEASE_MALFORMED', /SHA256 or SHA512/],
    [`${head}${head}`, 'APT_RELEASE_MALFORMED', /twice/],
    [`${head}Valid-Until: tomorrow\nSHA256:\n`, 'APT_RELEASE_MALFORMED', /Valid-Until/],
    [`${head}SHA256:\n ${a} 1\n`, 'APT_RELEASE_MALFORMED', /SHA256 holds/],
    [`${head}SHA256:\n ${a} -1 f\n`, 'APT_RELEASE_MALFORMED', /SHA256 holds/],
    [`${head}SHA256:\n ${a} 1e3 f\n`, 'APT_RELEASE_MALFORMED', /SHA256 holds/],
    [`${head}SHA256:\n ${a} ${'9'.repeat(16)} f\n`, 'APT_RELEASE_MALFORMED', /SHA256 holds/],
    [`${head}SHA256:\n ${a.slice(1)} 1 f\n`, 'APT_RELEASE_MALFORMED', /SHA256 holds/],
    [`${head}SHA256:\n ${a} 1 f g\n`, 'APT_RELEASE_MALFORMED', /SHA256 holds/],
    [`${head}SHA256:\n ${a} 1 f\n ${b} 1 f\n`, 'APT_RELEASE_MALFORMED', /two different/],
    [`${head}SHA256:\n ${a} 1 f\nSHA512:\n ${long} 2 f\n`, 'APT_RELEASE_MALFORMED', /two different/],
    [`${head}SHA256:\n ${a} 1 ../f\n`, 'APT_FILENAME_REFUSED', /upwards/],
    [`${head}SHA256:\n ${a} 1 /etc/passwd\n`, 'APT_FILENAME_REFUSED', /absolute/],
    [`${head}Signed-By: 12345678\nSHA256:\n`, 'APT_RELEASE_MALFORMED', /Signed-By/],
    ['x'.repeat(32 * 1024 * 1024 + 1), 'APT_RELEASE_MALFORMED', /longer/],
  ])('refuses what is wrong, case %#', (text, code, why) => {
    expect(() => parseRelease(text)).toThrow(expect.objectContaining({ code }))
    expect(() => parseRelease(text)).toThrow(why)
  })

  it('throws nothing but its own errors, for any text', () => {
    const line = fc.constantFrom(
      'Date: Sat, 10 Jan 2026 09:05:03 UTC',
      'SHA256:',
      ` ${a} 1 f`,
      ` ${b} 2 g/h`,
      'Suite: x',
      '',
      ' ',
      'x',
      'SHA512: y',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(line, fc.string({ maxLength: 20 })), { maxLength: 12 }), (lines) => {
        try {
          parseRelease(lines.join('\n'))
        } catch (error) {
          expect(isLarderError(error, 'APT_RELEASE_MALFORMED', 'APT_FILENAME_REFUSED')).toBe(true)
        }
      }),
      { numRuns: 3000 },
    )
  })
})

describe('parseReleaseDate', () => {
  it.each([
    ['Sat, 10 Jan 2026 09:05:03 UTC', '2026-01-10T09:05:03.000Z'],
    ['Thu, 29 Feb 2024 23:59:59 GMT', '2024-02-29T23:59:59.000Z'],
    ['Mon,  5 Jan 2026 00:00:00 +0000', '2026-01-05T00:00:00.000Z'],
    ['Mon, 5 Jan 2026  9:00:00 Z', '2026-01-05T09:00:00.000Z'],
  ])('reads %s', (text, expected) => {
    expect(parseReleaseDate(text)?.toISOString()).toBe(expected)
  })

  it.each([
    '',
    'Sat, 10 Jan 2026 09:05:03',
    'Sat, 10 Jan 2026 09:05:03 CET',
    'Sat, 10 Jan 2026 09:05:03 +0100',
    'Fri, 30 Feb 2024 00:00:00 UTC',
    'Sat, 10 Jan 2026 24:00:00 UTC',
    'Sat, 10 Jan 2026 09:60:03 UTC',
    'Sat, 10 Foo 2026 09:05:03 UTC',
    '2026-01-10T09:05:03Z',
    'Sat, 0 Jan 2026 09:05:03 UTC',
  ])('does not read %j', (text) => {
    expect(parseReleaseDate(text)).toBeUndefined()
  })
})

it('takes the strongest checksum', () => {
  expect(strongest({ sizeBytes: 1, sha256: a })).toEqual({ algorithm: 'sha256', hex: a })
  expect(strongest({ sizeBytes: 1, sha256: a, sha512: long })).toEqual({ algorithm: 'sha512', hex: long })
})
