import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { generateKey } from 'openpgp'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { digestOf, systemClock, type ErrorCode } from '../core/index.ts'
import type { AnyFormat, MirrorConfig } from '../mirror/index.ts'
import { parseKeyring } from '../openpgp/index.ts'
import { createKeyring } from '../publish/index.ts'
import { rpmInMemory, verifyRpm } from '../rpm/header/index.ts'
import { ownPackages } from '../rpm/own-packages.ts'
import { makeRpm, type MakeRpmOptions } from '../rpm/testing/make-rpm.ts'
import { signRpm } from '../rpm/testing/sign-rpm.ts'
import { openDatabase, type State } from '../state/index.ts'
import { OwnPackages, type OwnTarget } from './own-packages.ts'

const withCode = (code: ErrorCode): Error => expect.objectContaining({ code }) as Error
const signal = new AbortController().signal
const target: OwnTarget = {
  name: 'el9',
  format: { own: ownPackages } as AnyFormat,
  mirror: { format: 'rpm', architectures: ['x86_64'] } as unknown as MirrorConfig,
  readKey: () => Promise.resolve(undefined),
  signingKey: () => Promise.reject(new Error('nothing is signed here')),
}

describe('OwnPackages', () => {
  let folder: string
  let state: State
  let own: OwnPackages
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'larder-own-'))
    state = await openDatabase({ path: join(folder, 'larder.db'), clock: systemClock })
    own = new OwnPackages({ state, clock: systemClock, folder: join(folder, 'own') })
  })
  afterEach(async () => {
    await state.close()
    await rm(folder, { recursive: true })
  })

  const add = (options: MakeRpmOptions) => own.add(target, 'it.rpm', Readable.from([makeRpm(options)]), signal)

  it('keeps what is added, with indices that say so, also for whoever opens it next', async () => {
    await add({ name: 'a', version: '1' })
    await add({ name: 'b', version: '2', epoch: 1, architecture: 'noarch' })
    const again = new OwnPackages({ state, clock: systemClock, folder: join(folder, 'own') })
    expect(await again.list('el9')).toMatchObject([
      { name: 'a', version: '1-1', architecture: 'x86_64', fileName: 'a-1-1.x86_64.rpm' },
      { name: 'b', version: '1:2-1', architecture: 'noarch', fileName: 'b-2-1.noarch.rpm' },
    ])
    const upstream = await again.upstream('el9')
    expect(upstream?.config['url']).toMatch(/\/own\/el9\/2\/$/)
    expect((await readdir(join(folder, 'own/el9/2'))).sort()).toEqual([
      'a-1-1.x86_64.rpm',
      'b-2-1.noarch.rpm',
      'repodata',
    ])
  })

  it('leaves the same file as it is, and refuses another of the same version', async () => {
    await add({ name: 'a', version: '1' })
    await add({ name: 'a', version: '1' })
    await expect(add({ name: 'a', version: '1', summary: 'other' })).rejects.toThrow(withCode('OWN_PACKAGE_CONFLICT'))
    expect(await own.list('el9')).toHaveLength(1)
    expect(await readdir(join(folder, 'own/el9'))).toEqual(['1'])
  })

  it.each<[string, ErrorCode, Buffer]>([
    ['another architecture', 'OWN_PACKAGE_REFUSED', makeRpm({ name: 'a', version: '1', architecture: 'riscv64' })],
    ['a source package', 'OWN_PACKAGE_REFUSED', makeRpm({ name: 'a', version: '1', architecture: 'src' })],
    ['what breaks off', 'RPM_MALFORMED', makeRpm({ name: 'a', version: '1' }).subarray(0, 500)],
    ['what is damaged', 'RPM_MALFORMED', damage(makeRpm({ name: 'a', version: '1' }))],
    ['nothing at all', 'RPM_MALFORMED', Buffer.alloc(0)],
  ])('refuses %s, and nothing of it stays', async (_, code, bytes) => {
    await expect(own.add(target, 'it.rpm', Readable.from([bytes]), signal)).rejects.toThrow(withCode(code))
    expect(await own.list('el9')).toEqual([])
    expect(await readdir(join(folder, 'own/el9'))).toEqual([])
  })

  it('removes by name, or one version; with none left there is no upstream', async () => {
    await add({ name: 'a', version: '1' })
    await add({ name: 'a', version: '2' })
    await add({ name: 'b', version: '1' })
    expect(await own.remove(target, { name: 'a', version: '1-1' }, signal)).toMatchObject([{ version: '1-1' }])
    expect((await own.list('el9')).map(({ name, version }) => `${name} ${version}`)).toEqual(['a 2-1', 'b 1-1'])
    await expect(own.remove(target, { name: 'c' }, signal)).rejects.toThrow(withCode('NOT_FOUND'))
    await own.remove(target, { name: 'a' }, signal)
    await own.remove(target, { name: 'b' }, signal)
    expect(await own.upstream('el9')).toBeUndefined()
  })

  it('adds several at once, one after the other', async () => {
    const names = ['a', 'b', 'c', 'd', 'e']
    await Promise.all(names.map((name) => add({ name, version: '1' })))
    expect((await own.list('el9')).map(({ name }) => name).sort()).toEqual(names)
  })

  describe('where the mirror signs', () => {
    const clock = systemClock
    let signing: OwnTarget
    beforeEach(() => {
      const keys = createKeyring(join(folder, 'keys'), { clock, site: 'test' })
      const mirror = { ...target.mirror, signOwn: true } as MirrorConfig
      signing = { ...target, mirror, signingKey: () => keys.key('el9', { kind: 'rsa' }) }
    })
    const give = (bytes: Buffer) => own.add(signing, 'it.rpm', Readable.from([bytes]), signal)

    it('what is unsigned gets its signature, once, and comes back as it is', async () => {
      const rpm = makeRpm({ name: 'a', version: '1' })
      const added = await give(rpm)
      const key = await signing.signingKey()
      expect(added).toMatchObject({ signedBy: key.fingerprint, givenDigest: digestOf(rpm) })
      expect(await give(rpm)).toMatchObject({ fileName: added.fileName })
      const stored = await readFile(join(folder, 'own/el9/1/a-1-1.x86_64.rpm'))
      expect(digestOf(stored)).toBe(added.digest)
      const trusted = await parseKeyring([{ name: 'key', bytes: Buffer.from(key.publicKeyArmored) }])
      const { signers } = await verifyRpm(rpmInMemory(stored, 'a.rpm'), trusted, { now: clock.now() })
      expect(signers).toEqual([key.fingerprint])
      await give(stored)
      expect(await own.list('el9')).toEqual([added])
      expect(await readdir(join(folder, 'own/el9'))).toEqual(['1'])
    })

    it('its upstream knows the key that signed, wherever the data folder is, and whatever key the mirror has', async () => {
      await give(makeRpm({ name: 'a', version: '1' }))
      const before = (await signing.signingKey()).publicKeyArmored
      const other = createKeyring(join(folder, 'other'), { clock, site: 'test' })
      signing = { ...signing, signingKey: () => other.key('el9', { kind: 'rsa' }) }
      await give(makeRpm({ name: 'b', version: '1' }))
      await rename(join(folder, 'own'), join(folder, 'moved'))
      const config = (await new OwnPackages({ state, clock, folder: join(folder, 'moved') }).upstream('el9'))?.config
      expect(config).toMatchObject({ gpgcheck: true, repoGpgcheck: false })
      const texts = await Promise.all((config!['keys'] as string[]).map((path) => readFile(path, 'utf8')))
      expect(texts).toEqual([before, (await signing.signingKey()).publicKeyArmored])
    })

    it('refuses what somebody else signed, and what is damaged', async () => {
      const { privateKey } = await generateKey({ curve: 'ed25519Legacy', userIDs: [{ name: 'X' }], format: 'object' })
      const rpm = makeRpm({ name: 'a', version: '1' })
      await expect(give(await signRpm(rpm, privateKey))).rejects.toThrow(withCode('SIGNATURE_UNTRUSTED'))
      await expect(give(damage(rpm))).rejects.toThrow(withCode('RPM_MALFORMED'))
      expect(await readdir(join(folder, 'own/el9'))).toEqual([])
    })

    it('one of before that has no signature keeps clients from asking for any', async () => {
      await add({ name: 'a', version: '1' })
      await give(makeRpm({ name: 'b', version: '1' }))
      expect((await own.upstream('el9'))?.config).toMatchObject({ gpgcheck: false })
      await own.remove(signing, { name: 'a' }, signal)
      expect((await own.upstream('el9'))?.config).toMatchObject({ gpgcheck: true })
    })
  })

  it('goes on from what a killed process left', async () => {
    await add({ name: 'a', version: '1' })
    await writeFile(join(folder, 'own/el9/.upload-0123'), 'half')
    await writeFile(join(folder, 'own/el9/2'), 'in the way')
    await own.removeLeftovers()
    expect(await readdir(join(folder, 'own/el9'))).toEqual(['1'])
    await add({ name: 'b', version: '1' })
    expect(await own.list('el9')).toHaveLength(2)
    expect((await readdir(join(folder, 'own/el9'))).sort()).toEqual(['1', '2'])
  })
})

/** In its payload, which a reader of headers does not see. */
function damage(rpm: Buffer): Buffer {
  const bytes = Buffer.from(rpm)
  bytes[bytes.length - 1]! ^= 1
  return bytes
}
