import fc from 'fast-check'
import { generateKey, revokeKey, type PrivateKey } from 'openpgp'
import { beforeAll, describe, expect, it } from 'vitest'
import { isLarderError, type ErrorCode } from '../../core/index.ts'
import { parseKeyring, type Keyring } from '../../openpgp/index.ts'
import { bin, int32, string, strings, type HeaderValue } from '../testing/header-bytes.ts'
import { assembleRpm, makeRpm, type MakeRpmOptions } from '../testing/make-rpm.ts'
import { signRpm } from '../testing/sign-rpm.ts'
import { readRpm, readRpmBytes, rpmInMemory, toPackage, verifyRpm } from './index.ts'
import { SignatureTag, Tag } from './tag.ts'

const withCode = (code: ErrorCode): Error => expect.objectContaining({ code }) as Error
const now = new Date('2026-06-01T00:00:00Z')

const alpha: MakeRpmOptions = {
  name: 'alpha',
  version: '1.0~rc1',
  release: '2.el9',
  epoch: 1,
  architecture: 'noarch',
  summary: 'Größe',
  requires: ['pre:/bin/sh', 'beta >= 1:2-3', '(x if y)'],
  provides: ['virtual = 7'],
  conflicts: ['bad < 2'],
  obsoletes: ['old'],
  recommends: ['nice'],
  suggests: ['idea'],
  supplements: ['friend'],
  enhances: ['other > 1'],
  files: { '/usr/bin/alpha': 'run', '/etc/alpha': undefined, '/etc/alpha/a.conf': 'x' },
  ghosts: ['/var/log/alpha'],
  changelogs: [{ author: 'A <a@example.org> - 1', date: 1_700_000_000, text: '- first' }],
}
const rpm = makeRpm(alpha)

describe('toPackage', () => {
  const read = (bytes: Buffer) => toPackage(readRpmBytes(bytes, 'alpha.rpm'))

  it('says what the header says', () => {
    const { relations, files, changelogs, ...rest } = read(rpm)
    expect(rest).toMatchObject({
      name: 'alpha',
      architecture: 'noarch',
      evr: { epoch: '1', version: '1.0~rc1', release: '2.el9' },
      summary: 'Größe',
      sourceRpm: 'alpha-1.0~rc1-2.el9.src.rpm',
      buildTime: 1_704_067_200,
      packageBytes: rpm.length,
      installedBytes: 4,
    })
    expect(rpm.subarray(rest.headerStart, rest.headerStart + 4).toString('hex')).toBe('8eade801')
    expect(rpm.subarray(rest.headerEnd, rest.headerEnd + 2).toString('hex')).toBe('1f8b')
    expect(files).toEqual([
      { path: '/etc/alpha', kind: 'dir' },
      { path: '/etc/alpha/a.conf', kind: 'file' },
      { path: '/usr/bin/alpha', kind: 'file' },
      { path: '/var/log/alpha', kind: 'ghost' },
    ])
    expect(relations.requires.slice(0, 3)).toEqual([
      { name: '/bin/sh', flags: 512, evr: '' },
      { name: 'beta', flags: 12, evr: '1:2-3' },
      { name: '(x if y)', flags: 0, evr: '' },
    ])
    expect(relations.provides).toContainEqual({ name: 'virtual', flags: 8, evr: '7' })
    for (const [relation, name] of Object.entries({
      conflicts: 'bad',
      obsoletes: 'old',
      recommends: 'nice',
      suggests: 'idea',
      supplements: 'friend',
      enhances: 'other',
    }))
      // prettier-ignore
      expect(relations[relation as keyof typeof relations].map((one) => one.name)).toEqual([name])
    expect(changelogs).toEqual([{ author: 'A <a@example.org> - 1', date: 1_700_000_000, text: '- first' }])
  })

  it('takes a package without files, relations and texts', () => {
    const plain = read(makeRpm({ name: 'a', version: '1' }))
    expect(plain).toMatchObject({ evr: { epoch: '0' }, url: '', files: [], changelogs: [] })
  })

  it('knows a source package', () => {
    expect(read(makeRpm({ name: 'a', version: '1', architecture: 'src' }))).toMatchObject({ architecture: 'src' })
  })

  it.each<[string, number, HeaderValue]>([
    ['a name that leads elsewhere', Tag.name, string('../../etc/passwd')],
    ['a version with a slash', Tag.version, string('1/2')],
    ['no name', Tag.name, string('')],
    ['a name that is no text', Tag.name, int32(7)],
    ['files in a folder that is not there', Tag.dirIndexes, int32(0, 9, 0, 0)],
    ['a path longer than any', Tag.dirNames, strings(['/etc/', '/etc/alpha/', '/usr/bin/', `/${'x'.repeat(5000)}/`])],
    ['fewer versions than requirements', Tag.requireVersion, strings(['1'])],
  ])('refuses %s', (_, tag, value) => {
    const damaged = makeRpm({ ...alpha, entries: new Map([[tag, value]]) })
    expect(() => read(damaged)).toThrow(withCode('RPM_MALFORMED'))
  })
})

describe('readRpm', () => {
  it('reads from a source as from memory, headers over 64 KiB too', async () => {
    const large = makeRpm({ ...alpha, description: 'long '.repeat(40_000) })
    const [streamed, whole] = [await readRpm(rpmInMemory(large, 'large')), readRpmBytes(large, 'large')]
    expect(toPackage(streamed)).toEqual(toPackage(whole))
    expect(toPackage(whole).description).toHaveLength(200_000)
  })

  it('refuses a package that breaks off anywhere in its headers', async () => {
    const { headerEnd } = readRpmBytes(rpm, 'alpha')
    for (let length = 0; length < headerEnd; length += 13) {
      const short = rpm.subarray(0, length)
      await expect(readRpm(rpmInMemory(short, 'short'))).rejects.toThrow(withCode('RPM_MALFORMED'))
      expect(() => readRpmBytes(short, 'short')).toThrow(withCode('RPM_MALFORMED'))
    }
  })

  it('answers or refuses whatever bytes it is given', () => {
    const { headerEnd } = readRpmBytes(rpm, 'alpha')
    const changes = fc.array(fc.tuple(fc.nat(headerEnd - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(changes, (drawn) => {
        const damaged = Buffer.from(rpm)
        for (const [at, value] of drawn) damaged[at] = value
        try {
          toPackage(readRpmBytes(damaged, 'damaged'))
        } catch (error) {
          if (!isLarderError(error, 'RPM_MALFORMED')) throw error
        }
      }),
      { numRuns: 5000 },
    )
  })
})

describe('verifyRpm', () => {
  const keys: Record<'mine' | 'strange' | 'old' | 'rsa', PrivateKey> = {} as never
  const rings: Record<keyof typeof keys, Keyring> = {} as never
  const made = new Date('2026-01-01T00:00:00Z')

  beforeAll(async () => {
    for (const name of ['mine', 'strange', 'old', 'rsa'] as const) {
      const { privateKey, publicKey } = await generateKey({
        ...(name === 'rsa' ? { type: 'rsa', rsaBits: 2048 } : { type: 'ecc', curve: 'ed25519Legacy' }),
        userIDs: [{ name }],
        date: made,
        keyExpirationTime: name === 'old' ? 3600 * 24 : 0,
        format: 'object',
      })
      keys[name] = privateKey
      rings[name] = await parseKeyring([{ name, bytes: Buffer.from(publicKey.armor()) }])
    }
  })

  const verify = (bytes: Buffer, ring: Keyring) => verifyRpm(rpmInMemory(bytes, 'alpha.rpm'), ring, { now })
  const sign = (name: keyof typeof keys, whole = false) =>
    signRpm(rpm, keys[name], { date: new Date(made.getTime() + 3600_000), whole })

  it.each(['mine', 'rsa'] as const)('believes a signature of the header by %s', async (name) => {
    const { signers, file } = await verify(await sign(name), rings[name])
    expect(signers).toEqual([keys[name].getFingerprint().toUpperCase()])
    expect(toPackage(file).name).toBe('alpha')
  })

  it('believes a signature of header and payload together', async () => {
    await expect(verify(await sign('rsa', true), rings.rsa)).resolves.toHaveProperty('signers.length', 1)
  })

  it.each<[string, ErrorCode, () => Promise<Buffer>]>([
    ['no signature', 'SIGNATURE_MISSING', () => Promise.resolve(rpm)],
    ['a strange key', 'SIGNATURE_UNTRUSTED', () => sign('strange')],
    ['a changed payload', 'RPM_MALFORMED', async () => changed(await sign('mine'), -10)],
    ['a changed payload, signed as of old', 'SIGNATURE_BAD', async () => changed(await sign('mine', true), -10)],
    ['a changed header', 'RPM_MALFORMED', async () => inHeader(await sign('mine'))],
    ['the signature of another package', 'SIGNATURE_BAD', () => swapped(keys.mine)],
    ['a payload promised by MD5', 'RPM_MALFORMED', () => signRpm(makeRpm({ ...alpha, entries: new Map([[Tag.payloadDigestAlgorithm, int32(1)]]) }), keys.mine)], // prettier-ignore
  ])('refuses %s', async (_, code, bytes) => {
    await expect(verify(await bytes(), rings.mine)).rejects.toThrow(withCode(code))
  })

  it('refuses a key that has expired', async () => {
    await expect(verify(await sign('old'), rings.old)).rejects.toThrow(withCode('SIGNATURE_KEY_EXPIRED'))
  })

  it('refuses a key that was revoked', async () => {
    const { publicKey } = await revokeKey({ key: keys.mine, date: made, format: 'object' })
    const ring = await parseKeyring([{ name: 'revoked', bytes: Buffer.from(publicKey.armor()) }])
    await expect(verify(await sign('mine'), ring)).rejects.toThrow(withCode('SIGNATURE_KEY_REVOKED'))
  })

  it('never takes other bytes for those that were signed, whatever is changed', async () => {
    const signed = await sign('mine')
    const { headerStart, headerEnd } = readRpmBytes(signed, 'alpha')
    const place = fc.oneof(fc.nat(headerStart - 1), fc.integer({ min: headerStart, max: signed.length - 1 }))
    const changes = fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(changes, async (drawn) => {
        const damaged = Buffer.from(signed)
        for (const [at, value] of drawn) damaged[at] = value
        const outcome = await verify(damaged, rings.mine).catch((error: unknown) => error)
        if (isLarderError(outcome)) return
        const { file } = outcome as Awaited<ReturnType<typeof verify>>
        expect(file.header.bytes.equals(signed.subarray(headerStart, headerEnd))).toBe(true)
        expect(damaged.subarray(file.headerEnd).equals(signed.subarray(headerEnd))).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})

function changed(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  const place = at < 0 ? copy.length + at : at
  copy[place] = copy[place]! ^ 1
  return copy
}

function inHeader(bytes: Buffer): Buffer {
  return changed(bytes, bytes.lastIndexOf('first'))
}

/** Whole in itself, and signed as another is. */
async function swapped(key: PrivateKey): Promise<Buffer> {
  const other = await signRpm(makeRpm({ ...alpha, version: '2.0' }), key)
  const stolen = readRpmBytes(other, 'other').signature.binary(SignatureTag.dsa)!
  const { header, headerEnd } = readRpmBytes(rpm, 'alpha')
  const parts = { header: header.bytes, payload: rpm.subarray(headerEnd), archiveBytes: 0 }
  return assembleRpm(rpm.subarray(0, 96), parts, new Map([[SignatureTag.dsa, bin(stolen)]]))
}
