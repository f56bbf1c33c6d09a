import fc from 'fast-check'
import { generateKey } from 'openpgp'
import { beforeAll, describe, expect, it } from 'vitest'
import { isLarderError } from '../core/error.ts'
import { armorKeyring } from './armor-keyring.ts'
import { fingerprintOf, parseKeyring, restrictKeyring, unfoldArmor } from './keyring.ts'

interface Made {
  armored: string
  binary: Uint8Array
  secret: string
  fingerprint: string
}

async function makeKey(): Promise<Made> {
  const { publicKey, privateKey } = await generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name: 'Test', email: 'test@example.org' }],
    format: 'object',
  })
  return {
    armored: publicKey.armor(),
    binary: publicKey.write(),
    secret: privateKey.armor(),
    fingerprint: fingerprintOf(publicKey),
  }
}

let one: Made
let two: Made
beforeAll(async () => {
  one = await makeKey()
  two = await makeKey()
})

async function fingerprintsIn(...contents: (string | Uint8Array)[]): Promise<string[]> {
  const files = contents.map((bytes, index) => ({ name: `key-${index}`, bytes: Buffer.from(bytes) }))
  return (await parseKeyring(files)).keys.map(fingerprintOf)
}

const unreadable = expect.objectContaining({ code: 'KEYRING_UNREADABLE' })

describe('parseKeyring', () => {
  it('reads armoured and binary keys, alone and together', async () => {
    expect(await fingerprintsIn(one.armored)).toEqual([one.fingerprint])
    expect(await fingerprintsIn(one.binary)).toEqual([one.fingerprint])
    const both = [one.fingerprint, two.fingerprint]
    expect(await fingerprintsIn(one.armored, two.binary)).toEqual(both)
    expect(await fingerprintsIn(`a comment\n${one.armored}\n\n${two.armored}`)).toEqual(both)
    expect(await fingerprintsIn(Buffer.concat([one.binary, two.binary]))).toEqual(both)
    expect(await fingerprintsIn(one.armored.replaceAll('\n', '\r\n'))).toEqual([one.fingerprint])
  })

  it('passes over empty files', async () => {
    expect(await fingerprintsIn('', one.armored)).toEqual([one.fingerprint])
  })

  it('refuses what is no keyring', async () => {
    const keybox = Buffer.concat([Buffer.from([0, 0, 0, 32, 1, 1, 0, 2]), Buffer.from('KBXf'), Buffer.alloc(20)])
    const refused = [
      [''],
      [],
      ['nonsense'],
      [keybox],
      [one.secret],
      [one.armored.slice(0, 200)],
      [one.binary.subarray(0, 40)],
      [one.armored.replace(/^[A-Za-z0-9+/]{20}/m, '!!!!')],
      ['-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n'],
    ]
    for (const contents of refused) await expect(fingerprintsIn(...contents)).rejects.toThrow(unreadable)
  })

  it('says how to make a keyring of a keybox', async () => {
    const bytes = Buffer.from('\0\0\0\x20\x01\x01\0\x02KBXf\0\0\0\0', 'latin1')
    await expect(parseKeyring([{ name: 'old.gpg', bytes }])).rejects.toThrow(
      expect.objectContaining({ hint: expect.stringContaining('gpg --export') as string }),
    )
  })

  it('throws nothing but its own error, for any bytes', async () => {
    const damaged = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })).map(([at, value]) => {
      const bytes = Buffer.from(one.binary)
      bytes[at % bytes.length] = value
      return bytes
    })
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 60 }), damaged), async (bytes) => {
        try {
          await parseKeyring([{ name: 'x', bytes }])
        } catch (error) {
          expect(isLarderError(error, 'KEYRING_UNREADABLE')).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })
})

it('unfolds armour as deb822 writes it', async () => {
  const lines = one.armored.trimEnd().split('\n')
  const field = lines.map((line) => (line.trim() === '' ? ' .' : ` ${line}`)).join('\n')
  expect(await fingerprintsIn(unfoldArmor(`\n${field}`))).toEqual([one.fingerprint])
})

it.each([
  [undefined, ['aa'], ['AA']],
  [['AA', 'BB'], ['bb', 'cc'], ['BB']],
  [['AA'], ['AA!'], ['AA!']],
  [['AA!'], ['AA'], ['AA!']],
  [['AA'], ['BB'], []],
])('restricts %j by %j to %j', (before, wanted, expected) => {
  const keyring = { keys: [], ...(before === undefined ? {} : { onlyFingerprints: before }) }
  expect(restrictKeyring(keyring, wanted).onlyFingerprints).toEqual(expected)
})

it('armours a keyring as rpm imports it: a block for each key, each with its checksum', async () => {
  const files = [one, two].map(({ binary }, index) => ({ name: `key-${index}`, bytes: Buffer.from(binary) }))
  const armored = armorKeyring(await parseKeyring(files))
  expect(armored.match(/^=[A-Za-z0-9+/]{4}\n-----END PGP PUBLIC KEY BLOCK-----$/gm)).toHaveLength(2)
  expect(await fingerprintsIn(armored)).toEqual([one.fingerprint, two.fingerprint])
})
