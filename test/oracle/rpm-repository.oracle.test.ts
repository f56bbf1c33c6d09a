import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { execa } from 'execa'
import * as openpgp from 'openpgp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { digestFromHex } from '../../src/core/digest.ts'
import { systemClock } from '../../src/core/clock.ts'
import { memoryCache } from '../../src/pieces/testing/memory-cache.ts'
import { createKeyring, exportTree, writeTree, type SigningKey, type Snapshot } from '../../src/publish/index.ts'
import { readRpm, rpmInMemory, toPackage } from '../../src/rpm/header/index.ts'
import { clientSetup } from '../../src/rpm/client-setup.ts'
import { parseRepomd } from '../../src/rpm/repomd.ts'
import {
  composeRepository,
  createPackageHeaders,
  createRpmSealer,
  type RepositoryMeta,
  type RepositoryPackage,
} from '../../src/rpm/repository/index.ts'
import { makeRpm, type MakeRpmOptions } from '../../src/rpm/testing/make-rpm.ts'
import { signRpm } from '../../src/rpm/testing/sign-rpm.ts'
import { childOf, childrenOf, parseXml, type XmlElement } from '../../src/rpm/xml-document.ts'
import type { LeaseId } from '../../src/store/index.ts'
import { MemoryBlobStore } from '../../src/store/testing/index.ts'
import { createDnfClient } from '../e2e/support/dnf-client.ts'

const lease = 'oracle' as LeaseId
const roots = { primary: 'metadata', filelists: 'filelists', other: 'otherdata' } as const
type IndexName = keyof typeof roots
const tools = ['rpm', 'rpmbuild', 'createrepo_c', 'dnf', 'installcheck', 'gpgv'].filter(
  (name) => !(process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, name))),
)

const changelogs = Array.from({ length: 14 }, (_, index) => ({
  author: `Ärger & Co <a@example.org> - 1.${14 - index}  `,
  date: 1_700_000_000 - Math.floor(index / 3) * 86_400,
  text: `- <fix> ${index} & "more"\n  in two lines`,
}))

const made: MakeRpmOptions[] = [
  {
    name: 'larder-base',
    version: '1.0',
    epoch: 2,
    files: {
      '/etc': undefined,
      '/etc/larder-base.conf': 'a=1\n',
      '/usr/bin/larder-base': '#!/bin/sh\n',
      '/usr/share/x': 'x',
    },
    ghosts: ['/etc/larder-base.state', '/var/lib/larder-base/state'],
    provides: ['libbase.so.1()(64bit)', 'webserver = 3:2.0-1', '/bin/sh', 'rtld(GNU_HASH)'],
    changelogs,
    url: 'http://example.org/?a=1&b=2',
    vendor: 'Vendor "Inc" <v@example.org>',
    packager: "Pack'er",
  },
  {
    name: 'larder-app',
    version: '2.0~rc1^git5',
    release: '3.el9',
    summary: 'Größe <b> & "Anführung" \'x\'',
    description: 'Line one\n\n  indented & <tagged>\ttab',
    requires: [
      'larder-base >= 2:1.0',
      'libbase.so.1()(64bit)',
      'libc.so.6(GLIBC_2.4)(64bit)',
      'libc.so.6(GLIBC_2.34)(64bit)',
      'libc.so.6()(64bit)',
      'pre:/bin/sh',
      '/bin/sh',
      '/etc/larder-app.conf',
      'larder-app = 2.0~rc1^git5-3.el9',
      'webserver < 4:1',
      'webserver > 1',
      'twice',
      'twice',
      '(larder-base if larder-data)',
    ],
    provides: ['libc.so.6(GLIBC_2.4)(64bit)', 'libc.so.6(GLIBC_2.34)(64bit)', 'libc.so.6()(64bit)', 'twice'],
    conflicts: ['old <= 1-1'],
    obsoletes: ['older'],
    recommends: ['larder-data', '(larder-data or larder-base)'],
    suggests: ['s'],
    supplements: ['(larder-base and x)'],
    enhances: ['e = 1'],
    files: {
      '/etc/larder-app.conf': '',
      '/usr/lib/sendmail': '',
      '/opt/x/sbin/y & z': '',
      '/usr/share/larder-app': undefined,
    },
  },
  { name: 'larder-data', version: '1_0', architecture: 'noarch', files: { '/usr/share/larder-data/ü': 'x' } },
  { name: 'Larder-Data', version: '1', architecture: 'noarch', group: '', changelogs: changelogs.slice(0, 1) },
  { name: 'larder-data', version: '1.1', release: '2', architecture: 'noarch', requires: ['larder-base = 2:1.0-1'] },
]

const spec = `Name: larder-built
Version: 1.2
Release: 4
Summary: Built by rpmbuild
License: MIT
URL: http://example.org/
Requires(post): larder-base
Requires: larder-base >= 2:1.0-1
Recommends: larder-app
%description
Built by rpmbuild itself.
%install
mkdir -p %{buildroot}/etc/larder-built.d %{buildroot}/usr/bin %{buildroot}/usr/share/doc/larder-built
echo '#!/bin/sh' >%{buildroot}/usr/bin/larder-built
chmod 755 %{buildroot}/usr/bin/larder-built
echo read >%{buildroot}/usr/share/doc/larder-built/README
%post
exit 0
%files
/usr/bin/larder-built
%dir /etc/larder-built.d
%ghost /etc/larder-built.d/state
%doc /usr/share/doc/larder-built/README
%changelog
* Tue Mar 05 2024 A <a@example.org> - 1.2-4
- second
* Mon Mar 04 2024 A <a@example.org> - 1.2-3
- first
`

describe.skipIf(tools.length > 0 && process.env['CI'] !== 'true')(
  `RPM repositories that we compose, read by others (missing: ${tools.join(' ') || 'nothing'})`,
  () => {
    let folder: string
    let www: string
    let key: SigningKey
    let vendor: openpgp.PrivateKey
    let meta: RepositoryMeta
    const store = new MemoryBlobStore()
    const packages: RepositoryPackage[] = []

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'larder-rpm-'))
      www = join(folder, 'www')
      const keyring = createKeyring(join(folder, 'keys'), { clock: systemClock, site: 'test' })
      key = await keyring.key('el9')
      vendor = (
        await openpgp.generateKey({
          type: 'rsa',
          rsaBits: 2048,
          userIDs: [{ name: 'Vendor', email: 'vendor@example.org' }],
          date: new Date('2024-01-01'),
          format: 'object',
        })
      ).privateKey
      const rpms = [...made.map(makeRpm), await builtByRpmbuild(folder)]
      for (const rpm of rpms) packages.push(await add(await signRpm(rpm, vendor)))
      meta = await publish(packages)
    })
    afterAll(() => rm(folder, { recursive: true, force: true }))

    async function add(bytes: Buffer): Promise<RepositoryPackage> {
      const digest = await store.write(lease, bytes)
      const { name, evr, architecture } = toPackage(await readRpm(rpmInMemory(bytes, 'test')))
      return { name, evr, architecture, digest, sizeBytes: bytes.length, upstream: 'own', reason: 'listed' }
    }

    /** Composes, seals and exports to a folder as a web server would serve it. */
    async function publish(held: readonly RepositoryPackage[], to = www): Promise<RepositoryMeta> {
      const composed = await composeRepository({
        packages: held,
        headers: createPackageHeaders(store),
        architectures: ['x86_64'],
        vendorKeys: new Map([['vendor', Buffer.from(vendor.toPublic().armor())]]),
        store,
        lease,
        cache: memoryCache(),
        cacheKey: 'el9',
      })
      const unsealed = await writeTree(store, lease, composed.entries)
      const sealer = createRpmSealer(composed.meta, key)
      const snapshot = {} as Snapshot
      const sealed = await sealer.seal({ snapshot, tree: unsealed, sealedAt: new Date(), validUntil: undefined })
      const signed = await Promise.all(
        sealed.entries.map(async ({ bytes, ...entry }) => ({
          ...entry,
          sizeBytes: bytes.length,
          digest: await store.write(lease, bytes),
        })),
      )
      const tree = await writeTree(store, lease, [...composed.entries, ...signed])
      await exportTree({ store, tree, folder: to })
      return composed.meta
    }

    async function read(root: string, type: IndexName): Promise<XmlElement[]> {
      const { records } = parseRepomd(await readFile(join(root, 'repodata/repomd.xml')))
      const { href } = records.find((record) => record.type === type)!
      const bytes = gunzipSync(await readFile(join(root, href)))
      return childrenOf(parseXml(bytes, { label: href, root: roots[type] }).root, 'package')
    }

    test.each<IndexName>(['primary', 'filelists', 'other'])('%s says what createrepo_c says', async (type) => {
      for (const item of packages) {
        const { buildTime } = toPackage(await readRpm(rpmInMemory(await store.readWhole(item.digest), 'test')))
        const path = (await readdir(www, { recursive: true })).find(
          (one) =>
            one.endsWith(`${item.architecture}.rpm`) && basename(one).startsWith(`${item.name}-${item.evr.version}-`),
        )!
        await utimes(join(www, path), buildTime, buildTime)
      }
      const theirs = join(folder, 'theirs')
      await mkdir(theirs, { recursive: true })
      await execa('createrepo_c', ['--no-database', '--changelog-limit', '10', '--outputdir', theirs, www])
      const [ours, others] = await Promise.all([read(www, type), read(theirs, type)])
      expect(ours).toHaveLength(made.length + 1)
      expect(byId(ours, type)).toEqual(byId(others, type))
    })

    test('what an upstream says of its packages is said again, but for where they are', async () => {
      const upstream = join(folder, 'theirs')
      const { records } = parseRepomd(await readFile(join(upstream, 'repodata/repomd.xml')))
      const { href } = records.find(({ type }) => type === 'primary')!
      const bytes = gunzipSync(await readFile(join(upstream, href)))
      const { root: metadata, text } = parseXml(bytes, { label: href, root: 'metadata' })
      const taken = childrenOf(metadata, 'package').map((element): RepositoryPackage => {
        const hex = childOf(element, 'checksum')!.text
        const own = packages.find(({ digest }) => digest === digestFromHex(hex))!
        const fragment = Buffer.from(text.slice(element.start, element.end))
        return { ...own, primary: { checksum: { type: 'sha256', hex }, fragment: () => fragment } }
      })
      const again = join(folder, 'again')
      await publish(taken, again)
      const [ours, theirs] = await Promise.all([read(again, 'primary'), read(upstream, 'primary')])
      expect(ours).toHaveLength(made.length + 1)
      expect(byId(ours, 'primary')).toEqual(byId(theirs, 'primary'))
    })

    test('installcheck finds nothing broken', async () => {
      const { href } = meta.records.find(({ type }) => type === 'primary')!
      const { all } = await execa('installcheck', ['x86_64', join(www, href)], { all: true, reject: false })
      expect(all).not.toMatch(/can't be installed|nothing provides/)
    })

    test('gpgv verifies repomd.xml', async () => {
      const ring = join(folder, 'ring.gpg')
      await writeFile(ring, (await openpgp.unarmor(key.publicKeyArmored)).data as Uint8Array)
      const repomd = join(www, 'repodata/repomd.xml')
      await execa('gpgv', ['--keyring', ring, `${repomd}.asc`, repomd])
      expect(await readFile(`${repomd}.key`, 'utf8')).toBe(key.publicKeyArmored)
    })

    test('dnf reads the metadata, verifies both kinds of signature, and installs', async () => {
      const client = await createDnfClient(join(folder, 'client'))
      const { repo } = clientSetup({ mirror: 'el9', baseUrl: `file://${folder}`, meta })
      await mkdir(join(folder, 'keys'), { recursive: true })
      await writeFile(join(folder, 'keys/el9.asc'), key.publicKeyArmored)
      await client.setRepo(repo.replaceAll('/rpm/el9/', '/www/'))
      const cached = await client.makecache()
      expect([cached.exitCode, cached.output]).toEqual([0, expect.stringContaining('Metadata cache created') as string])
      expect(await client.available()).toHaveLength(made.length + 1)
      const installed = await client.install('larder-built', 'larder-app')
      expect([installed.exitCode, installed.output]).toEqual([0, expect.stringContaining('Complete!') as string])
      expect(await client.installed()).toEqual(
        expect.arrayContaining([
          'larder-app-2.0~rc1^git5-3.el9.x86_64',
          'larder-base-1.0-1.x86_64',
          'larder-built-1.2-4.x86_64',
        ]),
      )
      const owner = await client.dnf('repoquery', '--whatprovides', '/usr/share/larder-data/ü')
      expect(owner.output).toContain('larder-data-0:1_0-1.noarch')
      const changes = await client.dnf('repoquery', '--changelogs', 'larder-base')
      expect(changes.output).toContain('- <fix> 0 & "more"')
    })

    test('dnf refuses what another key has signed', async () => {
      const elsewhere = join(folder, 'elsewhere')
      await publish(packages, elsewhere)
      const client = await createDnfClient(join(folder, 'other-client'))
      const { repo } = clientSetup({ mirror: 'el9', baseUrl: `file://${folder}`, meta })
      await writeFile(join(folder, 'keys/el9.asc'), vendor.toPublic().armor())
      await client.setRepo(repo.replaceAll('/rpm/el9/', '/elsewhere/'))
      const { exitCode, output } = await client.makecache()
      expect([exitCode, output]).toEqual([1, expect.stringMatching(/GPG|signature/i) as string])
    })
  },
  240_000,
)

async function builtByRpmbuild(folder: string): Promise<Buffer> {
  const top = join(folder, 'rpmbuild')
  await mkdir(top, { recursive: true })
  await writeFile(join(top, 'built.spec'), spec)
  await execa('rpmbuild', ['-bb', '--target', 'x86_64', '--define', `_topdir ${top}`, join(top, 'built.spec')])
  return await readFile(join(top, 'RPMS/x86_64/larder-built-1.2-4.x86_64.rpm'))
}

/** Everything that is said, by pkgid; in the order in which it is said. */
function byId(packages: readonly XmlElement[], type: IndexName): Map<string, unknown> {
  const idOf = (one: XmlElement): string =>
    type === 'primary' ? childOf(one, 'checksum')!.text : one.attributes.pkgid!
  return new Map(packages.map((one) => [idOf(one), plain(one)]))
}

function plain({ name, attributes, children, text }: XmlElement): unknown {
  return { name, attributes: { ...attributes }, text, children: children.map(plain) }
}
