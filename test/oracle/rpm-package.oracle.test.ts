import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKey } from 'openpgp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isLarderError, systemClock } from '../../src/core/index.ts'
import { parseKeyring } from '../../src/openpgp/index.ts'
import { createKeyring } from '../../src/publish/index.ts'
import {
  checkRpm,
  readRpmBytes,
  rpmInMemory,
  signRpm as signPackage,
  toPackage,
  verifyRpm,
} from '../../src/rpm/header/index.ts'
import { makeRpm, withoutPayloadDigest } from '../../src/rpm/testing/make-rpm.ts'
import { signRpm } from '../../src/rpm/testing/sign-rpm.ts'

const hasRpm = spawnSync('rpmbuild', ['--version']).status === 0
const must = process.env['CI'] === 'true'

const spec = `Name: sample
Epoch: 3
Version: 1.0~rc1^git7
Release: 2%{?dist}
Summary: Größe <&> 'quotes' "both"
License: MIT and Apache-2.0
URL: https://example.org/?a=1&b=2
Vendor: Examples
Packager: Someone <someone@example.org>
BuildArch: noarch
Requires: bash >= 4, (one if (two or three) else four), /usr/bin/env
Requires(pre): /bin/sh
Requires(post,preun): coreutils
Provides: virtual, versioned = 2:1.5-1
Conflicts: bad < 2, worse
Obsoletes: old <= 1
Recommends: nice
Suggests: idea > 3
Supplements: (friend and other)
Enhances: thing
%description
Several lines,

and characters: é 漢 \t tab.
%package devel
Summary: More
Requires: %{name} = %{epoch}:%{version}-%{release}
%description devel
More.
%package empty
Summary: Nothing
%description empty
%pre
true
%install
mkdir -p %{buildroot}/usr/bin %{buildroot}/etc/sample.d %{buildroot}/usr/include "%{buildroot}/usr/share/with blank"
echo hi > %{buildroot}/usr/bin/sample; chmod 755 %{buildroot}/usr/bin/sample
echo c > %{buildroot}/etc/sample.conf
echo d > %{buildroot}/usr/include/sample.h
echo e > "%{buildroot}/usr/share/with blank/ü.txt"
ln -s sample %{buildroot}/usr/bin/alias
%files
/usr/bin/sample
/usr/bin/alias
%config(noreplace) /etc/sample.conf
%dir /etc/sample.d
"/usr/share/with blank"
%ghost /var/log/sample.log
%files devel
/usr/include/sample.h
%files empty
%changelog
* Tue Jan 02 2024 Someone <someone@example.org> - 1.0-2
- Second <&>
* Mon Jan 01 2024 Other <other@example.org> - 1.0-1
- First
`

/** One field in a line; arrays between brackets. */
const format =
  '%{NAME}\\n%{EPOCHNUM}\\n%{VERSION}\\n%{RELEASE}\\n%{ARCH}\\n%{SUMMARY}\\n%{URL}\\n%{LICENSE}\\n%{BUILDTIME}\\n%{SOURCERPM}\\n%{SIZE}\\n' +
  ['REQUIRE', 'PROVIDE', 'CONFLICT', 'OBSOLETE', 'RECOMMEND', 'SUGGEST', 'SUPPLEMENT', 'ENHANCE']
    .map((tag) => `[%{${tag}NAME}|%{${tag}FLAGS}|%{${tag}VERSION};]\\n`)
    .join('') +
  '[%{FILENAMES}|%{FILEMODES}|%{FILEFLAGS};]\\n[%{CHANGELOGTIME}|%{CHANGELOGNAME}|%{CHANGELOGTEXT};]\\n'

describe.skipIf(!hasRpm && !must)('headers as rpm reads them [needs rpm]', () => {
  const folder = mkdtempSync(join(tmpdir(), 'larder-rpm-package-'))

  beforeAll(async () => {
    writeFileSync(join(folder, 'sample.spec'), spec)
    execFileSync('rpmbuild', ['-ba', '--define', `_topdir ${folder}/top`, join(folder, 'sample.spec')], {
      stdio: 'pipe',
    })
    const options = { name: 'made', version: '2^x', epoch: 0, requires: ['pre:/bin/sh', '(a if b)', 'c < 1:2-3'] }
    const files = { '/usr/bin/made': 'x', '/etc/made': undefined, '/a b/é': '' }
    const { privateKey, publicKey } = await generateKey({ type: 'rsa', rsaBits: 2048, userIDs: [{ name: 'T' }], format: 'object' }) // prettier-ignore
    const curve = await generateKey({ type: 'ecc', curve: 'ed25519Legacy', userIDs: [{ name: 'E' }], format: 'object' })
    writeFileSync(join(folder, 'key.asc'), publicKey.armor())
    writeFileSync(join(folder, 'curve.asc'), curve.publicKey.armor())
    const made = makeRpm({ ...options, files, ghosts: ['/g'], changelogs: [{ author: 'A', date: 1, text: 'b' }] })
    writeFileSync(join(folder, 'made.rpm'), await signRpm(made, privateKey))
    writeFileSync(join(folder, 'made-curve.rpm'), await signRpm(made, curve.privateKey))
    writeFileSync(join(folder, 'made-old.rpm'), await signRpm(made, privateKey, { whole: true }))
  }, 60_000)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('toPackage says of every package what rpm says', () => {
    const paths = globSync([join(folder, 'made.rpm'), join(folder, 'top/**/*.rpm')])
    expect(paths).toHaveLength(5)
    for (const path of paths) expect(answer(path), path).toEqual(askRpm(path))
  })

  it.each<[string, string[]]>([
    ['its header', []],
    ['header and payload besides', ['--rpmv3']],
  ])('what rpmbuild made is believed when rpmsign has signed %s', async (_, form) => {
    const home = mkdtempSync(join(tmpdir(), 'larder-gpg-'))
    const env = { ...process.env, GNUPGHOME: home }
    try {
      const make = ['--passphrase', '', '--quick-gen-key', 'S <s@example.org>', 'rsa2048', 'sign', 'never']
      execFileSync('gpg', ['--batch', '--quiet', ...make], { env, stdio: 'pipe' })
      const ring = await parseKeyring([{ name: 'S', bytes: execFileSync('gpg', ['--armor', '--export'], { env }) }])
      const paths = globSync(join(folder, 'top/**/*.rpm')).map((path, at) => {
        copyFileSync(path, join(home, `${at}.rpm`))
        return join(home, `${at}.rpm`)
      })
      const flags = ['--addsign', ...form, '--define', '_gpg_name S', '--define', '__gpg /usr/bin/gpg']
      execFileSync('rpmsign', [...flags, ...paths], { env, stdio: 'pipe' })
      for (const path of paths) {
        const source = rpmInMemory(readFileSync(path), path)
        const { signers } = await verifyRpm(source, ring, { now: new Date(Date.now() + 60_000) })
        expect(signers).toHaveLength(1)
      }
    } finally {
      spawnSync('gpgconf', ['--kill', 'all'], { env })
      rmSync(home, { recursive: true, force: true })
    }
  })

  it('what is made for tests passes rpm -K with its key, and is installed', () => {
    const database = join(folder, 'database')
    mkdirSync(database)
    for (const key of ['key.asc', 'curve.asc'])
      execFileSync('rpmkeys', ['--dbpath', database, '--import', join(folder, key)])
    for (const name of ['made.rpm', 'made-old.rpm', 'made-curve.rpm']) {
      const said = execFileSync('rpmkeys', ['--dbpath', database, '-K', join(folder, name)]).toString()
      expect(said).toContain('digests signatures OK')
    }
    const root = join(folder, 'root')
    mkdirSync(root)
    const flags = ['--nodeps', '--noscripts', '--nosignature', '--dbpath', join(folder, 'installed')]
    if (process.getuid?.() !== 0) return
    execFileSync('rpm', ['--root', root, ...flags, '-i', join(folder, 'made.rpm')], { stdio: 'pipe' })
    expect(readFileSync(join(root, 'usr/bin/made'), 'utf8')).toBe('x')
  })
})

it.skipIf(!hasRpm && !must)(
  'a package with one bit changed, anywhere, is believed when rpm believes it [needs rpm]',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'larder-rpm-bits-'))
    try {
      const { privateKey, publicKey } = await generateKey({ type: 'ecc', curve: 'ed25519Legacy', userIDs: [{ name: 'T' }], format: 'object' }) // prettier-ignore
      const made = makeRpm({ name: 'a', version: '1', files: { '/a': 'x' }, requires: ['b > 1'] })
      const rpm = await signRpm(made, privateKey)
      const ring = await parseKeyring([{ name: 'T', bytes: Buffer.from(publicKey.armor()) }])
      writeFileSync(join(folder, 'key.asc'), publicKey.armor())
      const keys = ['--dbpath', join(folder, 'database')]
      execFileSync('rpmkeys', [...keys, '--import', join(folder, 'key.asc')])
      const believed: string[] = []
      for (let at = 0; at < rpm.length; at++) {
        const changed = Buffer.from(rpm)
        changed[at]! ^= 1 << (at % 8)
        writeFileSync(join(folder, `${at}.rpm`), changed)
        const verifying = verifyRpm(rpmInMemory(changed, 'changed'), ring, { now: new Date(Date.now() + 60_000) })
        const isGood = await verifying.then(
          () => true,
          (error: unknown) => expect(isLarderError(error)).toBe(true),
        )
        if (isGood === true) believed.push(`${at}.rpm`)
      }
      const all = Array.from({ length: rpm.length }, (_, at) => `${at}.rpm`)
      const { stdout } = spawnSync('rpmkeys', [...keys, '-K', ...all], { cwd: folder, maxBuffer: 1 << 26 })
      // rpm names all that it refused to read before the next that it could.
      const good = [...stdout.toString().matchAll(/(\d+\.rpm): digests signatures OK$/gm)].map(([, name]) => name)
      expect(good.length).toBeGreaterThan(50)
      expect(good.length).toBeLessThan(200)
      expect(believed).toEqual(good)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
  60_000,
)

it.skipIf(!hasRpm && !must)(
  'what is signed here passes rpm -K, with a digest of its payload or without [needs rpm]',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'larder-rpm-sign-'))
    try {
      const keyring = createKeyring(join(folder, 'keys'), { clock: systemClock, site: 'test' })
      const keys = ['--dbpath', join(folder, 'database')]
      const made = makeRpm({ name: 'a', version: '1', files: { '/a': 'x' } })
      const paths: string[] = []
      for (const kind of ['rsa', 'ed25519'] as const) {
        const key = await keyring.key(kind, { kind })
        writeFileSync(join(folder, `${kind}.asc`), key.publicKeyArmored)
        execFileSync('rpmkeys', [...keys, '--import', join(folder, `${kind}.asc`)])
        for (const [name, rpm] of Object.entries({ made, old: withoutPayloadDigest(made) })) {
          const source = rpmInMemory(rpm, name)
          const file = await checkRpm(source)
          const start = await signPackage(source, file, (bytes) => key.signBinary(bytes, new Date()))
          paths.push(join(folder, `${kind}-${name}.rpm`))
          writeFileSync(paths.at(-1)!, Buffer.concat([start, rpm.subarray(file.headerStart)]))
        }
      }
      const said = execFileSync('rpmkeys', [...keys, '-Kv', ...paths]).toString()
      expect(said.match(/^ +Header V4 (RSA|EdDSA)\/SHA512 Signature, key ID [0-9a-f]+: OK$/gm)).toHaveLength(4)
      expect(said.match(/^ +V4 (RSA|EdDSA)\/SHA512 Signature, key ID [0-9a-f]+: OK$/gm)).toHaveLength(2)
      expect(said).not.toMatch(/NOT OK|BAD/)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
)

function askRpm(path: string): string[] {
  return execFileSync('rpm', ['-qp', '--nosignature', '--qf', format, path]).toString().split('\n').slice(0, -1)
}

function answer(path: string): string[] {
  const file = readRpmBytes(readFileSync(path), path)
  const item = toPackage(file)
  const { relations, evr } = item
  const order = ['requires', 'provides', 'conflicts', 'obsoletes', 'recommends', 'suggests', 'supplements', 'enhances'] as const // prettier-ignore
  const none = (text: string): string => (text === '' ? '(none)' : text)
  const joined = order.map((name) => relations[name].map((one) => `${one.name}|${one.flags}|${one.evr};`).join(''))
  const modes = file.header.integers(1030)
  const flags = file.header.integers(1037)
  return [
    item.name,
    evr.epoch,
    evr.version,
    evr.release,
    item.architecture === 'src' ? (file.header.text(1022) ?? '') : item.architecture,
    item.summary,
    none(item.url),
    item.license,
    String(item.buildTime),
    none(item.sourceRpm),
    String(item.installedBytes),
    ...joined,
    item.files.map(({ path: file }, at) => `${file}|${modes[at]}|${flags[at]};`).join(''),
    item.changelogs.map(({ date, author, text }) => `${date}|${author}|${text};`).join(''),
  ]
}
