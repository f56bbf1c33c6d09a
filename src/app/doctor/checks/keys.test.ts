import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKey, readPrivateKey } from 'openpgp'
import { describe, expect, it } from 'vitest'
import { dayMs, found, useTestLarder } from '../../testing/doctored-larder.ts'

const start = useTestLarder()

describe('keys', () => {
  it('a key that is gone, or cannot be read', async () => {
    const larder = await start()
    const path = join(larder.dataFolder.keys, 'base.json')
    await rm(path)
    expect(await found(larder, 'keys')).toMatchObject([
      { severity: 'error', message: expect.stringContaining('is gone') },
    ])
    await writeFile(path, '{ "keys": [', { mode: 0o600 })
    expect(await found(larder, 'keys')).toMatchObject([
      { severity: 'error', message: expect.stringContaining('is damaged') },
    ])
  })

  it('an old key that is about to retire', async () => {
    const larder = await start()
    const [old] = await larder.larder.controller.keys('base')
    await larder.larder.controller.rotateKey('base')
    expect(await found(larder, 'keys')).toEqual([])
    larder.clockOffsetMs = 24 * dayMs
    expect(await found(larder, 'keys')).toMatchObject([
      { severity: 'warning', message: expect.stringContaining(old!.fingerprint) },
    ])
  })

  it('a key that expires', async () => {
    const larder = await start()
    const key = await expiringKey(10 * 24 * 3600)
    const file = { keys: [{ ...key, retiresAt: null }] }
    await writeFile(join(larder.dataFolder.keys, 'base.json'), JSON.stringify(file), { mode: 0o600 })
    expect(await found(larder, 'keys')).toMatchObject([
      { severity: 'warning', message: expect.stringContaining('expires at') },
    ])
  })
})

async function expiringKey(keyExpirationTime: number): Promise<{ fingerprint: string; privateKeyArmored: string }> {
  const { privateKey } = await generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name: 'Own' }],
    keyExpirationTime,
    format: 'armored',
  })
  const fingerprint = (await readPrivateKey({ armoredKey: privateKey })).getFingerprint().toUpperCase()
  return { fingerprint, privateKeyArmored: privateKey }
}
