import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { armor, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { isLarderError, KnownSecrets, type SiteFiles } from '../../core/index.ts'
import { createSiteSecrets } from './site-secrets.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-secrets-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

const filesOf = (files: Record<string, Uint8Array | string>): SiteFiles => ({
  read: async (path) => (files[path] === undefined ? undefined : Buffer.from(files[path])),
  list: async () => [],
  entries: async () => [],
})
async function encrypt(text: string | Uint8Array, recipient: string): Promise<Uint8Array> {
  const encrypter = new Encrypter()
  encrypter.addRecipient(recipient)
  return encrypter.encrypt(text)
}

it('what is encrypted for this site is read, and masked from then on', async () => {
  const known = new KnownSecrets()
  const path = join(folder, 'age-identity')
  const secrets = createSiteSecrets(path, known)
  const recipient = await secrets.recipient()
  expect(recipient).toMatch(/^age1[a-z0-9]+$/)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  const bytes = await encrypt('correct horse battery\n', recipient)
  const files = filesOf({ 'secrets/db.age': bytes, 'secrets/armored.age': armor.encode(bytes) })
  expect(await secrets.read(files, 'db')).toBe('correct horse battery')
  expect(await secrets.read(files, 'armored')).toBe('correct horse battery')
  expect(known.mask('it is correct horse battery!')).not.toContain('horse')
  // The identity stays, whoever opens it.
  expect(await createSiteSecrets(path, known).recipient()).toBe(recipient)
  expect(readFileSync(path, 'utf8')).toMatch(/^AGE-SECRET-KEY-1/)
})

it('several that make the identity at once have the same one', async () => {
  const path = join(folder, 'age-identity')
  const openings = Array.from({ length: 8 }, () => createSiteSecrets(path, new KnownSecrets()).recipient())
  expect(new Set(await Promise.all(openings)).size).toBe(1)
  expect(readdirSync(folder)).toEqual(['age-identity'])
})

it('an identity that could not be had is asked for again', async () => {
  const inTheWay = join(folder, 'data')
  writeFileSync(inTheWay, '')
  const secrets = createSiteSecrets(join(inTheWay, 'age-identity'), new KnownSecrets())
  await expect(secrets.recipient()).rejects.toMatchObject({ code: 'ENOTDIR' })
  rmSync(inTheWay)
  expect(await secrets.recipient()).toMatch(/^age1/)
})

it('says which secret cannot be read, and how one is made', async () => {
  const secrets = createSiteSecrets(join(folder, 'age-identity'), new KnownSecrets())
  const foreign = await encrypt('x', await identityToRecipient(await generateX25519Identity()))
  const files = filesOf({ 'secrets/foreign.age': foreign, 'secrets/broken.age': 'no age file' })
  for (const name of ['none', 'foreign', 'broken']) {
    await expect(secrets.read(files, name)).rejects.toSatisfy(
      (error) =>
        isLarderError(error, 'FLEET_SECRET_UNKNOWN') &&
        error.message.includes(name) &&
        error.hint?.includes('age -r') === true,
    )
  }
})

it('what is no text is refused, since it would be another one', async () => {
  const secrets = createSiteSecrets(join(folder, 'age-identity'), new KnownSecrets())
  const keytab = await encrypt(Buffer.from([5, 2, 0, 0xff, 0xfe]), await secrets.recipient())
  await expect(secrets.read(filesOf({ 'secrets/keytab.age': keytab }), 'keytab')).rejects.toMatchObject({
    code: 'FLEET_SECRET_UNKNOWN',
    message: expect.stringMatching(/keytab.*no text/) as string,
    hint: expect.stringMatching(/base64/) as string,
  })
})
