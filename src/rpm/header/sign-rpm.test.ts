import fc from 'fast-check'
import { createMessage, generateKey, sign, type PrivateKey } from 'openpgp'
import { beforeAll, describe, expect, it } from 'vitest'
import { parseKeyring } from '../../openpgp/index.ts'
import { bin, headerBytes, strings, type HeaderValue } from '../testing/header-bytes.ts'
import { assembleRpm, makeRpm, withoutPayloadDigest } from '../testing/make-rpm.ts'
import { readEntries } from './header-entries.ts'
import { Header } from './header.ts'
import { checkRpm, isSigned, readRpmBytes, rpmInMemory, signRpm, verifyRpm, type PackageSigner } from './index.ts'
import { SignatureTag } from './tag.ts'

const now = new Date('2026-06-01T00:00:00Z')
const made = makeRpm({ name: 'alpha', version: '1', files: { '/usr/bin/alpha': 'run' } })

const parts = (() => {
  const { header, headerEnd } = readRpmBytes(made, 'alpha.rpm')
  return { header: header.bytes, payload: made.subarray(headerEnd), archiveBytes: 1 }
})()

/** With the room that rpmbuild leaves for signatures. */
const roomy = assembleRpm(made.subarray(0, 96), parts, new Map([[SignatureTag.reservedSpace, bin(Buffer.alloc(4128))]]))

const old = withoutPayloadDigest(made)

async function signed(rpm: Buffer, signer: PackageSigner): Promise<Buffer> {
  const source = rpmInMemory(rpm, 'alpha.rpm')
  const file = await checkRpm(source)
  return Buffer.concat([await signRpm(source, file, signer), rpm.subarray(file.headerStart)])
}

describe.each(['rsa', 'ed25519'] as const)('signRpm with a key of %s', (kind) => {
  let key: PrivateKey
  let signer: PackageSigner
  const isRsa = kind === 'rsa'
  beforeAll(async () => {
    const type = isRsa ? ({ type: 'rsa', rsaBits: 2048 } as const) : ({ type: 'ecc', curve: 'ed25519Legacy' } as const)
    const date = new Date('2026-01-01')
    key = (await generateKey({ ...type, userIDs: [{ name: 'Ours' }], date, format: 'object' })).privateKey
    signer = async (binary) => {
      const message = await createMessage({ binary })
      const bytes: Uint8Array = await sign({ message, signingKeys: key, detached: true, format: 'binary', date: now })
      return { bytes, isRsa }
    }
  })
  const verify = async (rpm: Buffer) =>
    verifyRpm(
      rpmInMemory(rpm, 'alpha.rpm'),
      await parseKeyring([{ name: 'ours', bytes: Buffer.from(key.toPublic().armor()) }]),
      { now },
    )

  it.each([
    ['a package', made],
    ['one with room for it', roomy],
  ])('signs the header of %s, and changes nothing behind the signature', async (_, rpm) => {
    const result = await signed(rpm, signer)
    expect((await verify(result)).signers).toEqual([key.getFingerprint().toUpperCase()])
    const [before, after] = [readRpmBytes(rpm, 'before'), readRpmBytes(result, 'after')]
    expect(after.headerStart % 8).toBe(0)
    expect(result.subarray(after.headerStart)).toEqual(rpm.subarray(before.headerStart))
    expect(isSigned(before)).toBe(false)
    expect(isSigned(after)).toBe(true)
    const tag = isRsa ? SignatureTag.rsa : SignatureTag.dsa
    const rest = readEntries(after.signature, 62).filter((entry) => entry.tag !== tag)
    expect(rest).toEqual(readEntries(before.signature, 62).filter((entry) => entry.tag !== SignatureTag.reservedSpace))
  })

  it('signs header and payload together, too, where no digest proves the payload', async () => {
    const result = await signed(old, signer)
    expect((await verify(result)).signers).toEqual([key.getFingerprint().toUpperCase()])
    const { signature } = readRpmBytes(result, 'after')
    const tags = isRsa ? [SignatureTag.rsa, SignatureTag.pgp] : [SignatureTag.dsa, SignatureTag.gpg]
    for (const tag of tags) expect(signature.has(tag)).toBe(true)
    result[result.length - 1]! ^= 1
    await expect(verify(result)).rejects.toMatchObject({ code: 'SIGNATURE_BAD' })
  })

  it('replaces a signature that is there', async () => {
    const once = await signed(made, signer)
    const twice = await signed(once, signer)
    expect(readEntries(readRpmBytes(twice, 'twice').signature, 62).map(({ tag }) => tag)).toEqual(
      readEntries(readRpmBytes(once, 'once').signature, 62).map(({ tag }) => tag),
    )
    expect((await verify(twice)).signers).toHaveLength(1)
  })
})

it('writes headers that read as what they were made of', () => {
  const value = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => bin(Buffer.from(bytes))),
    fc.array(fc.stringMatching(/^[a-z ]{0,9}$/), { minLength: 1, maxLength: 5 }).map(strings),
    fc
      .array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { minLength: 1, maxLength: 9 })
      .map((value): HeaderValue => ({ type: 'int32', value })),
    fc
      .array(fc.integer({ min: 0, max: 65535 }), { minLength: 1, maxLength: 9 })
      .map((value): HeaderValue => ({ type: 'int16', value })),
  )
  const values = fc.array(fc.tuple(fc.integer({ min: 1000, max: 6000 }), value), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(values, (entries) => {
      const all = new Map(entries)
      const header = new Header(headerBytes(62, all))
      expect(readEntries(header, 62).map(({ tag }) => tag)).toEqual([...all.keys()].sort((a, b) => a - b))
      for (const [tag, { type, value: expected }] of all) {
        if (type === 'bin') expect(header.binary(tag)).toEqual(expected)
        else if (type === 'strings') expect(header.texts(tag)).toEqual(expected)
        else expect(header.integers(tag)).toEqual(expected)
      }
    }),
  )
})
