import fc from 'fast-check'
import {
  createCleartextMessage,
  createMessage,
  enums,
  generateKey,
  revokeKey,
  sign,
  type Config,
  type PrivateKey,
  type PublicKey,
} from 'openpgp'
import { beforeAll, describe, expect, it } from 'vitest'
import { isLarderError } from '../core/error.ts'
import { fingerprintOf, parseKeyring, restrictKeyring, type Keyring } from './keyring.ts'
import { verifyCleartext, verifyDetached } from './verify-signature.ts'

const day = 24 * 3600 * 1000
const made = new Date('2026-01-01T00:00:00Z')
const signedAt = new Date('2026-01-02T00:00:00Z')
const now = new Date('2026-01-03T00:00:00Z')
const text = 'Origin: Test\n- dash\n-x\nSuite: stable\n'

interface Pair {
  privateKey: PrivateKey
  publicKey: PublicKey
}

function makeKey(options: { lifeDays?: number; subkey?: boolean } = {}): Promise<Pair> {
  return generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name: 'Test', email: 'test@example.org' }],
    date: made,
    keyExpirationTime: (options.lifeDays ?? 0) * (day / 1000),
    subkeys: options.subkey === true ? [{ sign: true }] : [],
    format: 'object',
  })
}

async function clearsign(keys: readonly Pair[], config: Partial<Config> = {}, content = text): Promise<Buffer> {
  const message = await createCleartextMessage({ text: content })
  return Buffer.from(await sign({ message, signingKeys: keys.map((key) => key.privateKey), date: signedAt, config }))
}

function keyringOf(...keys: (Pair | PublicKey)[]): Promise<Keyring> {
  const files = keys.map((key) => ('publicKey' in key ? key.publicKey : key))
  return parseKeyring(files.map((key) => ({ name: 'test', bytes: key.write() })))
}

const withCode = (code: string): unknown => expect.objectContaining({ code })

let trusted: Pair
let stranger: Pair
beforeAll(async () => {
  trusted = await makeKey()
  stranger = await makeKey()
})

describe('verifyCleartext', () => {
  it('answers with the signed text and the signers', async () => {
    const verified = await verifyCleartext(await clearsign([trusted]), await keyringOf(trusted), { now })
    expect(verified).toEqual({ text, signers: [fingerprintOf(trusted.publicKey)] })
  })

  it('is content with one trusted signature among several', async () => {
    const verified = await verifyCleartext(await clearsign([stranger, trusted]), await keyringOf(trusted), { now })
    expect(verified.signers).toEqual([fingerprintOf(trusted.publicKey)])
  })

  it('names the primary key of a signing subkey', async () => {
    const pair = await makeKey({ subkey: true })
    const verified = await verifyCleartext(await clearsign([pair]), await keyringOf(pair), { now })
    expect(verified.signers).toEqual([fingerprintOf(pair.publicKey)])
  })

  it('refuses strangers, and the trusted who are not asked for', async () => {
    const bytes = await clearsign([trusted])
    await expect(verifyCleartext(bytes, await keyringOf(stranger), { now })).rejects.toThrow(
      withCode('SIGNATURE_UNTRUSTED'),
    )
    const both = await keyringOf(trusted, stranger)
    const only = (pair: Pair): Keyring => restrictKeyring(both, [fingerprintOf(pair.publicKey)])
    await expect(verifyCleartext(bytes, only(stranger), { now })).rejects.toThrow(withCode('SIGNATURE_UNTRUSTED'))
    await expect(verifyCleartext(bytes, only(trusted), { now })).resolves.toHaveProperty('text', text)
  })

  it('takes a subkey for its primary key unless the fingerprint ends in !', async () => {
    const pair = await makeKey({ subkey: true })
    const keyring = await keyringOf(pair)
    const bytes = await clearsign([pair])
    const primary = fingerprintOf(pair.publicKey)
    const subkey = pair.publicKey.subkeys.map(fingerprintOf)[0] ?? ''
    for (const allowed of [primary, subkey, `${subkey}!`]) {
      await expect(verifyCleartext(bytes, restrictKeyring(keyring, [allowed]), { now })).resolves.toHaveProperty(
        'text',
        text,
      )
    }
    const refused = verifyCleartext(bytes, restrictKeyring(keyring, [`${primary}!`]), { now })
    await expect(refused).rejects.toThrow(withCode('SIGNATURE_UNTRUSTED'))
  })

  it('refuses a changed text and a changed signature', async () => {
    const bytes = await clearsign([trusted])
    const keyring = await keyringOf(trusted)
    const changed = Buffer.from(bytes.toString().replace('stable', 'stabel'))
    await expect(verifyCleartext(changed, keyring, { now })).rejects.toThrow(withCode('SIGNATURE_BAD'))
    const other = await clearsign([trusted], {}, 'Origin: Other\n')
    const swapped =
      bytes.toString().replace(/-----BEGIN PGP SIGNATURE[^]*/, '') +
      /-----BEGIN PGP SIGNATURE[^]*/.exec(other.toString())![0]
    await expect(verifyCleartext(Buffer.from(swapped), keyring, { now })).rejects.toThrow(withCode('SIGNATURE_BAD'))
  })

  it('takes blanks at line ends for nothing, and leaves them out of its answer', async () => {
    const bytes = (await clearsign([trusted])).toString().replace('stable\n', 'stable \t\r\n')
    await expect(verifyCleartext(Buffer.from(bytes), await keyringOf(trusted), { now })).resolves.toHaveProperty(
      'text',
      text,
    )
  })

  it('refuses a key that has expired, even after it signed', async () => {
    const pair = await makeKey({ lifeDays: 30 })
    const bytes = await clearsign([pair])
    const keyring = await keyringOf(pair)
    await expect(verifyCleartext(bytes, keyring, { now })).resolves.toHaveProperty('text', text)
    const later = new Date(made.getTime() + 31 * day)
    await expect(verifyCleartext(bytes, keyring, { now: later })).rejects.toThrow(withCode('SIGNATURE_KEY_EXPIRED'))
  })

  it('refuses a key that was revoked', async () => {
    const pair = await makeKey()
    const bytes = await clearsign([pair])
    const { publicKey } = await revokeKey({ key: pair.privateKey, date: now, format: 'object' })
    await expect(verifyCleartext(bytes, await keyringOf(publicKey), { now })).rejects.toThrow(
      withCode('SIGNATURE_KEY_REVOKED'),
    )
  })

  it('refuses a digest that can be forged', async () => {
    const config = {
      preferredHashAlgorithm: enums.hash.sha1,
      nonDeterministicSignaturesViaNotation: false,
      rejectHashAlgorithms: new Set<enums.hash>(),
      rejectMessageHashAlgorithms: new Set<enums.hash>(),
    }
    const keys = await generateKey({
      type: 'rsa',
      rsaBits: 2048,
      userIDs: [{ email: 'a@example.org' }],
      date: made,
      config,
      format: 'object',
    })
    const bytes = await clearsign([keys], config)
    const verifying = verifyCleartext(bytes, await keyringOf(keys), { now })
    if (/^Hash: SHA1$/m.test(bytes.toString())) await expect(verifying).rejects.toThrow(withCode('SIGNATURE_BAD'))
    else throw new Error('the test could not make a SHA-1 signature')
  })

  it('prefers to say that bytes are wrong over that keys are unknown', async () => {
    const changed = Buffer.from((await clearsign([stranger, trusted])).toString().replace('stable', 'other'))
    await expect(verifyCleartext(changed, await keyringOf(trusted), { now })).rejects.toThrow(withCode('SIGNATURE_BAD'))
  })

  it('says when there is no signature', async () => {
    await expect(verifyCleartext(Buffer.from(text), await keyringOf(trusted), { now })).rejects.toThrow(
      withCode('SIGNATURE_MISSING'),
    )
  })

  it('never takes damaged bytes for signed ones, and throws nothing but its own errors', async () => {
    const bytes = await clearsign([trusted])
    const keyring = await keyringOf(trusted)
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }), async (at, value) => {
        const damaged = Buffer.from(bytes)
        damaged[at] = value
        try {
          expect((await verifyCleartext(damaged, keyring, { now })).text).toBe(text)
        } catch (error) {
          expect(isLarderError(error)).toBe(true)
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('verifyDetached', () => {
  const release = Buffer.from('Origin: Test  \r\nSuite: ü\n')

  async function detach(format: 'armored' | 'binary', keys: readonly Pair[] = [trusted]): Promise<Buffer> {
    const message = await createMessage({ binary: release })
    const signingKeys = keys.map((key) => key.privateKey)
    const signature = await (format === 'armored'
      ? sign({ message, signingKeys, detached: true, date: signedAt })
      : sign({ message, signingKeys, detached: true, date: signedAt, format: 'binary' }))
    return Buffer.from(signature as string | Uint8Array<ArrayBuffer> as Uint8Array)
  }

  it.each(['armored', 'binary'] as const)('takes an %s signature', async (format) => {
    const verified = await verifyDetached(release, await detach(format), await keyringOf(trusted), { now })
    expect(verified).toEqual({ signers: [fingerprintOf(trusted.publicKey)] })
  })

  it('takes several blocks', async () => {
    const joined = Buffer.concat([await detach('armored', [stranger]), await detach('armored')])
    await expect(verifyDetached(release, joined, await keyringOf(trusted), { now })).resolves.toHaveProperty('signers')
  })

  it.each([
    ['a changed Release', Buffer.from('Origin: Fake\n'), undefined, 'SIGNATURE_BAD'],
    ['an empty signature', release, '', 'SIGNATURE_MISSING'],
    ['a page of HTML', release, '<html></html>', 'SIGNATURE_MISSING'],
    ['binary nonsense', release, '\xff\xff\xff', 'SIGNATURE_BAD'],
  ])('refuses %s', async (_, bytes, signature, code) => {
    const given = signature === undefined ? await detach('armored') : Buffer.from(signature, 'latin1')
    await expect(verifyDetached(bytes, given, await keyringOf(trusted), { now })).rejects.toThrow(withCode(code))
  })
})
