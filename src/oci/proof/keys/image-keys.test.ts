import { generateKeyPairSync, verify } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../../../core/testing/fake-clock.ts'
import { createImageKeys } from './image-keys.ts'

const dayMs = 86_400_000
const message = Buffer.from('message')
let clock: FakeClock
let folder: string
let path: string
beforeEach(async () => {
  clock = new FakeClock()
  folder = await mkdtemp(join(tmpdir(), 'larder-image-keys-'))
  path = join(folder, 'keys', 'image-signing.json')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const keys = (passphraseFile?: string) => createImageKeys(path, { clock, passphraseFile })
const pemOf = (kind: 'P-256' | 'P-384', type: 'pkcs8' | 'sec1' = 'pkcs8') =>
  generateKeyPairSync('ec', { namedCurve: kind }).privateKey.export({ type, format: 'pem' }).toString()

describe('keys for images', () => {
  it('are made at first use, for their owner alone, and kept', async () => {
    const [key] = await keys().current()
    expect(verify('sha256', message, key.publicKeyPem, key.sign(message))).toBe(true)
    expect((await keys().current()).map(({ id }) => id)).toEqual([key.id])
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await stat(join(folder, 'keys'))).mode & 0o777).toBe(0o700)
  })

  it('are one key when many ask at once', async () => {
    const one = keys()
    const asked = await Promise.all(Array.from({ length: 5 }, () => one.current()))
    expect(new Set(asked.map(([key]) => key.id)).size).toBe(1)
  })

  it('that are replaced sign for their time, and are believed after it unless they were given up', async () => {
    const held = keys()
    const [old] = await held.current()
    const next = await held.rotate()
    expect((await held.current()).map(({ id }) => id)).toEqual([next.id, old.id])
    clock.advance(31 * dayMs)
    expect((await held.current()).map(({ id }) => id)).toEqual([next.id])
    expect(await held.trusted()).toEqual([next.publicKeyPem, old.publicKeyPem])
    const third = await held.rotate()
    expect(await held.trusted()).toEqual([third, next, old].map(({ publicKeyPem }) => publicKeyPem))
    const fresh = await held.rotate({ transitionMs: 0 })
    expect(await held.trusted()).toEqual([fresh.publicKeyPem])
  })

  it('are encrypted with the passphrase of a file', async () => {
    const file = join(folder, 'passphrase')
    await writeFile(file, 'correct horse\nsecond line')
    const [key] = await keys(file).current()
    expect(await readFile(path, 'utf8')).toContain('BEGIN ENCRYPTED PRIVATE KEY')
    expect((await keys(file).current())[0].id).toBe(key.id)
    await expect(keys().current()).rejects.toMatchObject({ code: 'KEY_LOCKED' })
    await writeFile(file, 'wrong\n')
    await expect(keys(file).current()).rejects.toMatchObject({ code: 'KEY_LOCKED' })
    await writeFile(file, '')
    await expect(keys(file).current()).rejects.toMatchObject({ code: 'KEY_LOCKED' })
  })

  it('sign beside their successor until they retire', async () => {
    const ring = keys()
    const [old] = await ring.current()
    const young = await ring.rotate({ transitionMs: 30 * dayMs })
    expect((await ring.current()).map(({ id, retiresAt }) => [id, retiresAt])).toEqual([
      [young.id, undefined],
      [old.id, new Date(clock.now().getTime() + 30 * dayMs)],
    ])
    clock.advance(10 * dayMs)
    await ring.rotate({ transitionMs: 60 * dayMs })
    expect((await ring.current()).length).toBe(3)
    clock.advance(20 * dayMs)
    expect((await ring.current()).map(({ id }) => id)).not.toContain(old.id)
    const last = await ring.rotate({ transitionMs: 0 })
    expect((await keys().current()).map(({ id }) => id)).toEqual([last.id])
    expect(await readFile(path, 'utf8')).not.toContain(young.id)
  })

  it.each(['pkcs8', 'sec1'] as const)('may be given as PEM (%s)', async (type) => {
    const pem = pemOf('P-256', type)
    const given = await keys().rotate({ pem })
    expect(verify('sha256', message, pem, given.sign(message))).toBe(true)
    // Given again it is the same one, and does not retire.
    expect((await keys().rotate({ pem })).id).toBe(given.id)
    expect((await keys().current()).map(({ retiresAt }) => retiresAt)).toEqual([undefined])
  })

  it.each([
    ['another curve', () => pemOf('P-384')],
    ['RSA', () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()], // prettier-ignore
    ['no key', () => 'hello'],
  ])('are not %s', async (_, pem) => {
    await expect(keys().rotate({ pem: pem() })).rejects.toMatchObject({ code: 'KEY_UNSUITABLE' })
  })

  it('are not made anew when their file is damaged', async () => {
    await keys().current()
    await writeFile(path, '{')
    await expect(keys().current()).rejects.toMatchObject({ code: 'KEY_UNSUITABLE' })
    expect(await readFile(path, 'utf8')).toBe('{')
  })
})
