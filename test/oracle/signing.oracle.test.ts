import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/index.ts'
import { createKeyring, type Keyring, type SigningKey } from '../../src/publish/index.ts'

const run = promisify(execFile)
let folder: string
let ring: Keyring
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-signing-'))
  ring = createKeyring(join(folder, 'keys'), { clock: systemClock, site: 'campus' })
  await mkdir(join(folder, 'gnupg'), { mode: 0o700 })
})
afterEach(async () => {
  await run('gpgconf', ['--homedir', join(folder, 'gnupg'), '--kill', 'all'])
  await rm(folder, { recursive: true, force: true })
})

const release =
  'Origin: Larder\nLabel: campus base\n- a line with a dash\nFrom the first word\nDescription: ünïcode\nSHA256:\n abc 1 main\n'

async function keyringFile(key: SigningKey, name: string): Promise<string> {
  const armored = join(folder, `${name}.asc`)
  await writeFile(armored, key.publicKeyArmored)
  const output = join(folder, `${name}.gpg`)
  await run('gpg', ['--homedir', join(folder, 'gnupg'), '--batch', '--yes', '--output', output, '--dearmor', armored])
  return output
}

/** Lines of gpgv's status: what apt judges by. Rejects when gpgv is not content with every signature. */
async function gpgv(keyring: string, files: string[]): Promise<string[]> {
  const { stdout } = await run('gpgv', ['--status-fd', '1', '--keyring', keyring, ...files])
  return stdout.split('\n').filter((line) => line.startsWith('[GNUPG:] '))
}

async function sign(key: SigningKey): Promise<{ inRelease: string; detached: string[] }> {
  const at = systemClock.now()
  await writeFile(join(folder, 'InRelease'), await key.signCleartext(release, at))
  await writeFile(join(folder, 'Release'), release)
  await writeFile(join(folder, 'Release.gpg'), await key.signDetached(Buffer.from(release), at))
  return { inRelease: join(folder, 'InRelease'), detached: [join(folder, 'Release.gpg'), join(folder, 'Release')] }
}

describe('gpgv', () => {
  it('accepts both kinds of signature, and gives back the text that was signed', async () => {
    const key = await ring.key('base')
    const { inRelease, detached } = await sign(key)
    const keyring = await keyringFile(key, 'one')
    for (const files of [[inRelease], detached]) {
      const valid = (await gpgv(keyring, files)).filter((line) => line.includes(' VALIDSIG '))
      expect(valid).toHaveLength(1)
      // doc/DETAILS of GnuPG: VALIDSIG <fingerprint> … <version> <reserved> <algorithm> <hash>; 10 is SHA-512, 8 SHA-256.
      expect(valid[0]).toContain(key.fingerprint)
      expect(['8', '9', '10']).toContain(valid[0]!.split(' ')[9])
    }
    await run('gpgv', ['--keyring', keyring, '--output', join(folder, 'text'), inRelease])
    expect(await readFile(join(folder, 'text'), 'utf8')).toBe(release)
    expect(await readFile(inRelease, 'utf8')).not.toContain('\r')
  })

  it('refuses a text that was changed, and another key', async () => {
    const key = await ring.key('base')
    const { inRelease, detached } = await sign(key)
    const other = await keyringFile(await ring.key('other'), 'other')
    await expect(gpgv(other, [inRelease])).rejects.toThrow('No public key')
    const keyring = await keyringFile(key, 'one')
    await writeFile(inRelease, (await readFile(inRelease, 'utf8')).replace('campus base', 'campus bass'))
    await writeFile(detached[1]!, `${release}x`)
    await expect(gpgv(keyring, [inRelease])).rejects.toThrow('BAD signature')
    await expect(gpgv(keyring, detached)).rejects.toThrow('BAD signature')
  })

  it('follows a rotation with the old key, the new key, and both', async () => {
    const old = await ring.key('base')
    const both = await ring.rotate('base')
    const { inRelease, detached } = await sign(both)
    const withBoth = await keyringFile(both, 'both')
    for (const files of [[inRelease], detached]) {
      expect((await gpgv(withBoth, files)).filter((line) => line.includes(' VALIDSIG '))).toHaveLength(2)
      // A client that has only the old key sees one good signature and one that it cannot check, as with Debian's own two keys.
      const withOld = await run('gpgv', [
        '--status-fd',
        '1',
        '--keyring',
        await keyringFile(old, 'old'),
        ...files,
      ]).catch((error: unknown) => error as { stdout: string })
      expect(withOld.stdout).toContain(`VALIDSIG ${old.fingerprint}`)
      expect(withOld.stdout).not.toContain('BADSIG')
    }
  })

  it('accepts keys that GnuPG made and Larder imported', { timeout: 120_000 }, async () => {
    const home = join(folder, 'gnupg')
    for (const algorithm of ['ed25519', 'rsa3072']) {
      const user = `${algorithm} <own@campus.invalid>`
      await run('gpg', [
        '--homedir',
        home,
        '--batch',
        '--passphrase',
        'secret',
        '--pinentry-mode',
        'loopback',
        '--quick-gen-key',
        user,
        algorithm,
        'sign',
        'never',
      ])
      const exported = await run('gpg', [
        '--homedir',
        home,
        '--batch',
        '--passphrase',
        'secret',
        '--pinentry-mode',
        'loopback',
        '--armor',
        '--export-secret-keys',
        user,
      ])
      const key = await ring.importKey(algorithm, exported.stdout, { passphrase: 'secret' })
      const keyring = await keyringFile(key, algorithm)
      const { inRelease, detached } = await sign(key)
      for (const files of [[inRelease], detached])
        expect((await gpgv(keyring, files)).join('\n')).toContain(`VALIDSIG ${key.fingerprint}`)
    }
  })
})

describe('gpg', () => {
  it('reads both public halves from one block', async () => {
    const old = await ring.key('base')
    const both = await ring.rotate('base')
    const key = await keyringFile(both, 'both')
    const { stdout } = await run('gpg', [
      '--homedir',
      join(folder, 'gnupg'),
      '--batch',
      '--with-colons',
      '--show-keys',
      key,
    ])
    const fingerprints = stdout
      .split('\n')
      .filter((line) => line.startsWith('fpr:'))
      .map((line) => line.split(':')[9])
    expect(fingerprints).toEqual([both.fingerprint, old.fingerprint])
    expect(stdout).toContain('Larder base <larder@campus.invalid>')
  })
})
