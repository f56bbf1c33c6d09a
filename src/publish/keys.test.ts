import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encryptKey, generateKey, readKeys, type PrivateKey } from 'openpgp'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../core/testing/fake-clock.ts'
import { createKeyring } from './index.ts'

const dayMs = 86_400_000
const clock = new FakeClock()
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-keys-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const keyring = (passphraseFile?: string) =>
  createKeyring(join(folder, 'keys'), { clock, site: 'campus', passphraseFile })
const fingerprintsIn = async (armored: string) =>
  (await readKeys({ armoredKeys: armored })).map((key) => key.getFingerprint().toUpperCase())
const make = async (options: Partial<Parameters<typeof generateKey>[0]> = {}): Promise<PrivateKey> => {
  const made = await generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name: 'Own' }],
    date: new Date('2025-06-01'),
    ...options,
    format: 'object',
  })
  return made.privateKey
}

describe('a keyring', () => {
  it('makes a key at first use, for its owner alone, and keeps it', async () => {
    const key = await keyring().key('base')
    expect(key.fingerprint).toMatch(/^[0-9A-F]{40}$/)
    expect(await fingerprintsIn(key.publicKeyArmored)).toEqual([key.fingerprint])
    expect(key.publicKeyArmored).not.toContain('PRIVATE')
    // gpg 2.2 wants the checksum.
    expect(key.publicKeyArmored).toMatch(/\r?\n=[A-Za-z0-9+/]{4}\r?\n-----END PGP PUBLIC KEY BLOCK-----\r?\n$/)
    expect((await keyring().key('base')).fingerprint).toBe(key.fingerprint)
    expect((await keyring().key('other')).fingerprint).not.toBe(key.fingerprint)
    expect((await readdir(join(folder, 'keys'))).sort()).toEqual(['base.json', 'other.json'])
    expect((await stat(join(folder, 'keys', 'base.json'))).mode & 0o777).toBe(0o600)
    expect((await stat(join(folder, 'keys'))).mode & 0o777).toBe(0o700)
  })

  it('makes one key when many ask at once', async () => {
    const ring = keyring()
    const keys = await Promise.all(Array.from({ length: 5 }, () => ring.key('base')))
    expect(new Set(keys.map((key) => key.fingerprint)).size).toBe(1)
  })

  it('encrypts keys with the passphrase of a file', async () => {
    const file = join(folder, 'passphrase')
    await writeFile(file, 'correct horse\nsecond line')
    const { fingerprint } = await keyring(file).key('base')
    expect((await keyring(file).key('base')).fingerprint).toBe(fingerprint)
    await expect(keyring().key('base')).rejects.toMatchObject({ code: 'KEY_LOCKED' })
    await writeFile(file, 'wrong\n')
    await expect(keyring(file).key('base')).rejects.toMatchObject({ code: 'KEY_LOCKED' })
    await writeFile(file, '')
    await expect(keyring(file).key('base')).rejects.toMatchObject({ code: 'KEY_LOCKED' })
  })

  it('signs with old and new key while it is rotated, then with the new one', async () => {
    const ring = keyring()
    const old = await ring.key('base')
    const both = await ring.rotate('base', { transitionMs: 30 * dayMs })
    expect(both.fingerprint).not.toBe(old.fingerprint)
    expect(await fingerprintsIn(both.publicKeyArmored)).toEqual([both.fingerprint, old.fingerprint])
    expect((await ring.list('base')).map((key) => key.retiresAt)).toEqual([
      undefined,
      new Date(clock.now().getTime() + 30 * dayMs),
    ])
    clock.advance(30 * dayMs)
    const alone = await ring.key('base')
    expect(await fingerprintsIn(alone.publicKeyArmored)).toEqual([both.fingerprint])
    await ring.rotate('base', { transitionMs: 0 })
    expect(await readFile(join(folder, 'keys', 'base.json'), 'utf8')).not.toContain(old.fingerprint)
  })

  it('takes a key that exists, locked or not', async () => {
    const own = await make()
    const ring = keyring()
    expect((await ring.importKey('base', own.armor())).fingerprint).toBe(own.getFingerprint().toUpperCase())
    const locked = (await encryptKey({ privateKey: await make(), passphrase: 'secret' })).armor()
    await expect(ring.importKey('base', locked)).rejects.toMatchObject({ code: 'KEY_LOCKED' })
    await expect(ring.importKey('base', locked, { passphrase: 'wrong' })).rejects.toMatchObject({ code: 'KEY_LOCKED' })
    await ring.importKey('base', locked, { passphrase: 'secret' })
    expect(await ring.list('base')).toHaveLength(2)
    expect((await keyring().key('base')).fingerprint).not.toBe(own.getFingerprint().toUpperCase())
  })

  it.each([
    ['a public key', 'public half', async () => (await make()).toPublic().armor()],
    ['no key', 'no armored', async () => 'hello'],
    [
      'an expired key',
      'it expired',
      async () => (await make({ date: new Date('2020-01-01'), keyExpirationTime: 3600 })).armor(),
    ],
    ['a curve that gpgv 2.2 does not know', 'ed25519', async () => (await make({ type: 'curve25519' })).armor()],
    [
      'a version 6 key',
      'version 6',
      async () => (await make({ type: 'curve25519', config: { v6Keys: true } })).armor(),
    ],
  ])('refuses %s: %s', async (_, why, armored) => {
    const ring = keyring()
    await expect(ring.importKey('base', await armored())).rejects.toMatchObject({
      code: 'KEY_UNSUITABLE',
      message: expect.stringContaining(why) as string,
    })
    expect(await ring.list('base')).toEqual([])
  })

  it.each(['', '..', 'a/b', '-x', 'a\n', '.hidden', 'x'.repeat(65)])('refuses the name %j', async (name) => {
    await expect(keyring().key(name)).rejects.toMatchObject({ code: 'USAGE' })
  })

  it.each(['', '{', '{"keys":[{"fingerprint":"../../x"}]}'])('never replaces a damaged file: %j', async (content) => {
    await keyring().key('base')
    await writeFile(join(folder, 'keys', 'base.json'), content)
    await expect(keyring().key('base')).rejects.toMatchObject({ code: 'KEY_UNSUITABLE' })
    await expect(keyring().rotate('base')).rejects.toMatchObject({ code: 'KEY_UNSUITABLE' })
    expect(await readFile(join(folder, 'keys', 'base.json'), 'utf8')).toBe(content)
  })
})

it('makes an RSA key where clients are old, and keeps that', async () => {
  const { publicKeyArmored } = await keyring().key('el7', { kind: 'rsa' })
  const [key] = await readKeys({ armoredKeys: publicKeyArmored })
  expect(key?.getAlgorithmInfo()).toMatchObject({ algorithm: 'rsaEncryptSign', bits: 3072 })
  expect((await keyring().key('el7')).publicKeyArmored).toBe(publicKeyArmored)
})
