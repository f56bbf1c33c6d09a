import fc from 'fast-check'
import {
  createMessage,
  enums,
  generateKey,
  readSignature,
  sign,
  type Config,
  type LiteralDataPacket,
  type PrivateKey,
  type SignaturePacket,
} from 'openpgp'
import { beforeAll, describe, expect, it } from 'vitest'
import { parseKeyring } from './keyring.ts'
import { faultOfRsa, isRsaOfBytes } from './rsa-signature.ts'
import { verifyDetached } from './verify-signature.ts'

const made = new Date('2026-01-01T00:00:00Z')
const now = new Date('2026-01-03T00:00:00Z')
const bytes = Buffer.from('header of a package \x00\xff')

let key: PrivateKey
let other: PrivateKey
beforeAll(async () => {
  key = await makeKey()
  other = await makeKey()
})

async function makeKey(): Promise<PrivateKey> {
  const userIDs = [{ email: 'a@example.org' }]
  const { privateKey } = await generateKey({ type: 'rsa', rsaBits: 2048, userIDs, date: made, format: 'object' })
  return privateKey
}

async function detach(by: PrivateKey = key, config: Partial<Config> = {}): Promise<Uint8Array> {
  const message = await createMessage({ binary: bytes })
  const signature: unknown = await sign({
    message,
    signingKeys: by,
    detached: true,
    date: made,
    format: 'binary',
    config,
  })
  return signature as Uint8Array
}

async function readPacket(signature: Uint8Array): Promise<SignaturePacket> {
  return (await readSignature({ binarySignature: signature })).packets[0]!
}

/** Message of openpgp's own refusal; undefined where it refuses nothing. */
async function faultOfOpenpgp(packet: SignaturePacket, signed: Uint8Array): Promise<string | undefined> {
  const literal = (await createMessage({ binary: signed })).packets[0] as LiteralDataPacket
  return packet.verify(key.keyPacket, enums.signature.binary, literal, null as unknown as Date, true).then(
    () => undefined,
    (error: unknown) => (error as Error).message,
  )
}

describe('an RSA signature', () => {
  it.each([enums.hash.sha224, enums.hash.sha256, enums.hash.sha384, enums.hash.sha512])(
    'by digest %i is found right, and of other bytes wrong',
    async (preferredHashAlgorithm) => {
      const rejectHashAlgorithms = new Set<enums.hash>()
      const packet = await readPacket(await detach(key, { preferredHashAlgorithm, rejectHashAlgorithms }))
      if (!isRsaOfBytes(packet)) throw new Error('not the kind that is judged here')
      expect(faultOfRsa(packet, key.keyPacket, bytes)).toBeUndefined()
      expect(faultOfRsa(packet, key.keyPacket, Buffer.concat([bytes, bytes]))).toBe('is of other bytes')
      expect(faultOfRsa(packet, other.keyPacket, bytes)).toBe('was not issued by that key')
    },
  )

  it('whose left 16 bits fit is still held to the whole', async () => {
    const packet = await readPacket(await detach())
    if (!isRsaOfBytes(packet)) throw new Error('not the kind that is judged here')
    packet.params.s = packet.params.s.map((byte, index) => (index === 100 ? byte ^ 1 : byte))
    expect(faultOfRsa(packet, key.keyPacket, bytes)).toBe('does not match')
  })

  it.each([
    ['subpacket', { unknownSubpackets: [{ type: 99, critical: true, body: new Uint8Array() }] }, /critical subpacket/],
    ['notation', { rawNotations: [{ name: 'a@example.org', critical: true }] }, /critical notation/],
    ['key of revocation', { revocationKeyClass: 128 }, /authorized key/],
  ])('with a %s that must be understood is refused, as by openpgp', async (_, changes, fault) => {
    const packet = Object.assign(await readPacket(await detach()), changes)
    if (!isRsaOfBytes(packet)) throw new Error('not the kind that is judged here')
    expect(faultOfRsa(packet, key.keyPacket, bytes)).toMatch(fault)
    expect(await faultOfOpenpgp(packet, bytes)).toBeDefined()
  })

  it('is judged as openpgp judges it, whatever byte of it is changed', async () => {
    const signature = await detach()
    const change = fc.record({ at: fc.nat(signature.length - 1), value: fc.integer({ min: 0, max: 255 }) })
    let judged = 0
    await fc.assert(
      fc.asyncProperty(change, async ({ at, value }) => {
        const damaged = signature.slice()
        damaged[at] = value
        const packet = await readPacket(damaged).catch(() => undefined)
        if (packet === undefined || !isRsaOfBytes(packet)) return
        judged++
        const expected = await faultOfOpenpgp(packet, bytes)
        expect(faultOfRsa(packet, key.keyPacket, bytes) === undefined).toBe(expected === undefined)
      }),
      { numRuns: 300 },
    )
    expect(judged).toBeGreaterThan(100)
  })

  it('is taken by verifyDetached; of other bytes, or by a stranger, it is refused', async () => {
    const keyring = await parseKeyring([{ name: 'test', bytes: key.toPublic().write() }])
    const signature = await detach()
    await expect(verifyDetached(bytes, signature, keyring, { now })).resolves.toHaveProperty('signers')
    const wrong = verifyDetached(Buffer.from('other'), signature, keyring, { now })
    await expect(wrong).rejects.toMatchObject({ code: 'SIGNATURE_BAD' })
    const strange = verifyDetached(bytes, await detach(other), keyring, { now })
    await expect(strange).rejects.toMatchObject({ code: 'SIGNATURE_UNTRUSTED' })
  })
})
