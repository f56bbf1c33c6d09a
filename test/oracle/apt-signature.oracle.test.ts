import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCleartextMessage, generateKey, sign } from 'openpgp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LarderError } from '../../src/core/error.ts'
import { parseKeyring } from '../../src/openpgp/keyring.ts'
import { verifyCleartext, verifyDetached } from '../../src/openpgp/verify-signature.ts'

const hasGnupg = ['gpg', 'gpgv'].every((tool) => spawnSync(tool, ['--version']).status === 0)
const must = process.env['CI'] === 'true'
const text = 'Origin: Oracle\nSuite: stable\n- dashed\nDate: Sat, 10 Jan 2026 09:05:03 UTC\n'

/** What gpgv says of a file, as apt reads it: by the words of its status lines. */
type Witness = 'good' | 'bad' | 'expired' | 'revoked' | 'unknown' | 'none'

const codeOf: Record<Witness, string> = {
  good: 'good',
  bad: 'SIGNATURE_BAD',
  expired: 'SIGNATURE_KEY_EXPIRED',
  revoked: 'SIGNATURE_KEY_REVOKED',
  unknown: 'SIGNATURE_UNTRUSTED',
  none: 'SIGNATURE_MISSING',
}

describe.skipIf(!hasGnupg && !must)('signatures, beside gpgv [needs gpg and gpgv]', () => {
  let home: string
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'larder-gnupg-'))
    makeKey('good', 'rsa2048', 'never')
    makeKey('curve', 'ed25519', 'never')
    makeKey('stranger', 'ed25519', 'never')
    makeKey('revoked', 'ed25519', 'never')
    makeKey('expired', 'ed25519', '2025-02-01', '20250101T000000')
    makeKey('subkeyed', 'ed25519', 'never')
    gpg(['--quick-add-key', fingerprint('subkeyed'), 'ed25519', 'sign', 'never'])
  })
  afterAll(() => {
    spawnSync('gpgconf', ['--homedir', home, '--kill', 'all'])
    rmSync(home, { recursive: true, force: true })
  })

  function gpg(args: string[], input = '', fakeTime?: string): Buffer {
    const common = ['--homedir', home, '--batch', '--yes', '--quiet', '--pinentry-mode', 'loopback', '--passphrase', '']
    const time = fakeTime === undefined ? [] : ['--faked-system-time', `${fakeTime}!`]
    const { status, stdout, stderr } = spawnSync('gpg', [...common, ...time, ...args], { input })
    if (status !== 0) throw new Error(`gpg ${args.join(' ')}: ${stderr.toString()}`)
    return stdout
  }

  function makeKey(name: string, algorithm: string, expires: string, at?: string): void {
    gpg(['--quick-generate-key', `${name} <${name}@example.org>`, algorithm, 'sign', expires], '', at)
  }

  function fingerprint(name: string): string {
    const listing = gpg(['--with-colons', '--list-keys', `${name}@example.org`]).toString()
    return /^fpr:+([0-9A-F]{40}):/m.exec(listing)?.[1] ?? ''
  }

  const exported = (...names: string[]): Buffer => gpg(['--export', ...names.map((name) => `${name}@example.org`)])
  const users = (names: string[]): string[] => names.flatMap((name) => ['--local-user', `${name}@example.org`])
  const clearsign = (names: string[], options: string[] = [], at?: string): Buffer =>
    gpg([...users(names), ...options, '--clearsign'], text, at)

  function witness(keys: Buffer, files: Buffer[]): Witness {
    const keyring = join(home, 'witness.gpg')
    writeFileSync(keyring, keys)
    const paths = files.map((bytes, index) => {
      const path = join(home, `file-${index}`)
      writeFileSync(path, bytes)
      return path
    })
    const { stdout } = spawnSync('gpgv', [
      '--homedir',
      home,
      '--keyring',
      keyring,
      '--status-fd',
      '1',
      '--weak-digest',
      'SHA1',
      ...paths,
    ])
    const words = new Set([...stdout.toString().matchAll(/^\[GNUPG:\] (\w+)/gm)].map((match) => match[1]))
    // A signature by a weak digest is reported as good and not as valid
    if (words.has('GOODSIG') && words.has('VALIDSIG')) return 'good'
    if (words.has('BADSIG')) return 'bad'
    if (words.has('REVKEYSIG')) return 'revoked'
    if (words.has('EXPKEYSIG')) return 'expired'
    if (words.has('EXPSIG') || words.has('GOODSIG')) return 'bad'
    if (words.has('NO_PUBKEY')) return 'unknown'
    return words.has('ERRSIG') ? 'bad' : 'none'
  }

  async function verdict(keys: Buffer, files: Buffer[]): Promise<string> {
    const keyring = await parseKeyring([{ name: 'oracle', bytes: keys }])
    const [first = Buffer.alloc(0), second] = files
    const now = new Date()
    try {
      // gpgv is given the signature first
      if (second === undefined) await verifyCleartext(first, keyring, { now })
      else await verifyDetached(second, first, keyring, { now })
      return 'good'
    } catch (error) {
      if (error instanceof LarderError) return error.code
      throw error
    }
  }

  async function agree(keys: Buffer, files: Buffer[], expected: Witness): Promise<void> {
    expect(witness(keys, files)).toBe(expected)
    expect(await verdict(keys, files)).toBe(codeOf[expected])
  }

  it('agree on one, on several, and on a subkey', async () => {
    await agree(exported('good'), [clearsign(['good'])], 'good')
    await agree(exported('curve'), [clearsign(['curve'])], 'good')
    await agree(exported('good', 'curve'), [clearsign(['good', 'curve'])], 'good')
    await agree(exported('curve'), [clearsign(['good', 'curve'])], 'good')
    await agree(exported('subkeyed'), [clearsign(['subkeyed'])], 'good')
  })

  it.each(['--digest-algo=SHA384', '--digest-algo=SHA512'])('agree on %s', async (option) => {
    await agree(exported('good'), [clearsign(['good'], [option])], 'good')
  })

  it('agree on a detached signature, armoured and binary', async () => {
    const release = Buffer.from(text)
    for (const options of [['--armor'], [], ['--textmode']]) {
      const signature = gpg([...users(['good']), ...options, '--detach-sign'], text)
      await agree(exported('good'), [signature, release], 'good')
      await agree(exported('good'), [signature, Buffer.from(text.replace('stable', 'other'))], 'bad')
    }
  })

  it('agree on tampering', async () => {
    const bytes = clearsign(['good']).toString()
    await agree(exported('good'), [Buffer.from(bytes.replace('stable', 'other'))], 'bad')
    await agree(exported('good'), [Buffer.from(bytes.replace('Suite', 'Extra: 1\nSuite'))], 'bad')
    await agree(exported('good'), [Buffer.from(bytes.replace('stable\n', 'stable  \t\n'))], 'good')
    await agree(exported('good'), [Buffer.from(bytes.replaceAll('\n', '\r\n'))], 'good')
  })

  it('agree on strangers', async () => {
    await agree(exported('good'), [clearsign(['stranger'])], 'unknown')
  })

  it('agree on SHA-1, on an expired key and on an expired signature', async () => {
    await agree(exported('good'), [clearsign(['good'], ['--digest-algo=SHA1'])], 'bad')
    await agree(exported('expired'), [clearsign(['expired'], [], '20250115T000000')], 'expired')
    const short = gpg(
      ['--quick-generate-key', 'short <short@example.org>', 'ed25519', 'sign', 'never'],
      '',
      '20250101T000000',
    )
    expect(short).toHaveLength(0)
    await agree(exported('short'), [clearsign(['short'], ['--default-sig-expire=1d'], '20250115T000000')], 'bad')
  })

  it('agree on a key that was revoked after it signed', async () => {
    const bytes = clearsign(['revoked'])
    await agree(exported('revoked'), [bytes], 'good')
    const certificate = readFileSync(join(home, 'openpgp-revocs.d', `${fingerprint('revoked')}.rev`), 'utf8')
    gpg(['--import'], certificate.replace(/^:-----BEGIN/m, '-----BEGIN'))
    await agree(exported('revoked'), [bytes], 'revoked')
  })

  it('agree on what openpgp made', async () => {
    const userIDs = [{ name: 'Made', email: 'made@example.org' }]
    const date = new Date(Date.now() - 60_000)
    const key = await generateKey({ type: 'ecc', curve: 'ed25519Legacy', userIDs, date, format: 'object' })
    const message = await createCleartextMessage({ text })
    const bytes = Buffer.from(await sign({ message, signingKeys: key.privateKey }))
    await agree(Buffer.from(key.publicKey.write()), [bytes], 'good')
  })

  it('agree that nothing is signed', async () => {
    await agree(exported('good'), [Buffer.from(text)], 'none')
  })
})

describe('the sources of this host', () => {
  const lists = '/var/lib/apt/lists'
  const keyrings = '/usr/share/keyrings'
  const names = existsSync(lists) ? readdirSync(lists).filter((name) => name.endsWith('_InRelease')) : []
  const archive = existsSync(keyrings)
    ? readdirSync(keyrings).filter((name) => name.endsWith('archive-keyring.gpg'))
    : []

  it.skipIf(names.length === 0 || archive.length === 0)(
    'are signed by keys of this host [needs apt-get update]',
    async () => {
      const files = archive.map((name) => ({ name, bytes: readFileSync(join(keyrings, name)) }))
      const keyring = await parseKeyring(files)
      const paths = files.flatMap((file) => ['--keyring', join(keyrings, file.name)])
      for (const name of names) {
        const bytes = readFileSync(join(lists, name))
        const accepted = spawnSync('gpgv', ['--status-fd', '1', ...paths, join(lists, name)]).stdout.toString()
        if (!accepted.includes('VALIDSIG')) continue
        const { signers, text: signed } = await verifyCleartext(bytes, keyring, { now: new Date() })
        const primaries = [...accepted.matchAll(/^\[GNUPG:\] VALIDSIG .* ([0-9A-F]{40})$/gm)].map((match) => match[1])
        expect(signers.toSorted()).toEqual([...new Set(primaries)].toSorted())
        expect(bytes.toString()).toContain(signed)
      }
    },
  )
})
