import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeArchive, type ArchiveEntry } from '../../testing/archive.ts'
import { writeLayout } from '../../testing/write-layout.ts'
import { parseManifest } from '../../manifest.ts'
import { layoutSource } from '../content.ts'
import { sbomArtifact, sbomOf, type Sbom } from './sbom.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-sbom-test-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

interface SpdxDocument {
  comment: string
  documentNamespace: string
  packages: { SPDXID: string; name: string; externalRefs?: { referenceLocator: string }[]; [field: string]: unknown }[]
  relationships: { spdxElementId: string; relationshipType: string; relatedSpdxElement: string }[]
  [field: string]: unknown
}

const plain = 'application/vnd.oci.image.layer.v1.tar'
type Layer = { bytes: Buffer; mediaType: string } | readonly ArchiveEntry[]

async function read(layers: readonly Layer[], options: { signal?: AbortSignal } = {}) {
  const made = await Promise.all(
    layers.map(async (layer) => ('bytes' in layer ? layer : { bytes: await makeArchive(layer), mediaType: plain })),
  )
  const image = await writeLayout(join(folder, 'layout'), { layers: made })
  const sbom = await sbomOf(layoutSource(join(folder, 'layout')), image, {
    name: 'team/counter',
    version: '1.4.0',
    createdAt: new Date('2026-01-01T00:00:00.500Z'),
    larderVersion: '0.1.0',
    temporaryFolder: folder,
    parseRpmHeader: () => undefined,
    signal: options.signal ?? new AbortController().signal,
  })
  return { sbom, image, document: sbom.document as SpdxDocument }
}

const purlsOf = ({ document }: { document: SpdxDocument }): string[] =>
  document.packages.flatMap(({ externalRefs = [] }) =>
    externalRefs.map(({ referenceLocator }) => referenceLocator).filter((purl) => !purl.startsWith('pkg:oci')),
  )
const listed = async (layers: readonly Layer[]) => purlsOf(await read(layers))

const npm = (path: string, version: string, more: object = {}): ArchiveEntry => ({
  name: `${path}/package.json`,
  content: JSON.stringify({ name: path.slice(path.lastIndexOf('node_modules/') + 13), version, ...more }),
})
const status = (...lines: string[]): ArchiveEntry => ({ name: 'var/lib/dpkg/status', content: lines.join('\n') })
const bash = ['Package: bash', 'Status: install ok installed', 'Architecture: amd64', 'Version: 5.2.15-2+b2']

describe('an SBOM', () => {
  it('lists what each package manager says', async () => {
    const result = await read([
      [
        { name: 'usr/lib/os-release', content: 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian 12"\n' },
        { name: 'etc/os-release', type: 'symlink', linkname: '../usr/lib/os-release' },
        status(
          ...bash,
          'Maintainer: Matthias <a@example.org>',
          'Source: bash (5.2.15-2)',
          'Description: GNU shell',
          ' more: of it',
          ' .',
          '',
          'Package: gone',
          'Status: deinstall ok config-files',
          'Version: 1',
          '',
          'Package: half',
          'Status: install ok half-configured',
          'Architecture: all',
          'Version: 1:2~rc1',
        ),
        { name: 'var/lib/dpkg/status.d/libc6', content: 'Package: libc6\nVersion: 2.36\nArchitecture: amd64\n' },
        { name: 'var/lib/dpkg/status.d/libc6.md5sums', content: 'Package: no\nVersion: 1\n' },
        npm('srv/node_modules/@scope/tool', '1.0.0-rc.1', { license: 'MIT' }),
        npm('srv/node_modules/plain', '2.0.0', { license: { type: 'Custom' } }),
        { name: 'srv/node_modules/plain/lib/package.json', content: '{"name":"inner","version":"1"}' },
        { name: 'srv/node_modules/private/package.json', content: '{"private":true}' },
        { name: 'srv/node_modules/broken/package.json', content: '{' },
        {
          name: 'usr/lib/python3/dist-packages/Flask_Thing-1.2.dist-info/METADATA',
          content: 'Metadata-Version: 2.1\nName: Flask_Thing\nVersion: 1.2\nLicense: BSD-3-Clause\n\nName: text\n',
        },
        { name: 'usr/lib/python3/old-1.egg-info', content: 'Name: old\nVersion: 1\nLicense: UNKNOWN\n' },
        {
          name: 'lib/apk/db/installed',
          content:
            'C:Q1x=\nP:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\no:musl\n\nP:libssl3\nV:3.3.0-r2\nA:x86_64\no:openssl\n',
        },
      ],
    ])
    expect(purlsOf(result)).toEqual([
      'pkg:apk/debian/libssl3@3.3.0-r2?arch=x86_64&distro=debian-12&upstream=openssl%403.3.0-r2',
      'pkg:apk/debian/musl@1.2.5-r0?arch=x86_64&distro=debian-12',
      'pkg:deb/debian/bash@5.2.15-2%2Bb2?arch=amd64&distro=debian-12&upstream=bash%405.2.15-2',
      'pkg:deb/debian/half@1:2~rc1?arch=all&distro=debian-12',
      'pkg:deb/debian/libc6@2.36?arch=amd64&distro=debian-12',
      'pkg:npm/%40scope/tool@1.0.0-rc.1',
      'pkg:npm/plain@2.0.0',
      'pkg:pypi/flask-thing@1.2',
      'pkg:pypi/old@1',
    ])
    const byName = new Map(result.document.packages.map((one) => [one.name, one]))
    expect(byName.get('bash')).toMatchObject({
      versionInfo: '5.2.15-2+b2',
      supplier: 'Organization: Matthias (a@example.org)',
    })
    expect(byName.get('musl')).toMatchObject({ licenseDeclared: 'MIT' })
    expect(byName.get('plain')).toMatchObject({
      licenseDeclared: 'NOASSERTION',
      licenseComments: 'In the words of the package: Custom',
    })
    expect(byName.get('debian')).toMatchObject({ versionInfo: '12', primaryPackagePurpose: 'OPERATING-SYSTEM' })
    expect(result.sbom.packageCount).toBe(9)
    expect(result.sbom.notes).toEqual([])
  })

  it('has what SPDX 2.3 wants of a document', async () => {
    const { document, image } = await read([
      [status(...bash), npm('node_modules/a b"c', '1'), npm('node_modules/é', '1')],
    ])
    expect(document).toMatchObject({
      spdxVersion: 'SPDX-2.3',
      dataLicense: 'CC0-1.0',
      SPDXID: 'SPDXRef-DOCUMENT',
      name: 'team/counter:1.4.0',
      creationInfo: { created: '2026-01-01T00:00:00Z', creators: ['Tool: larder-0.1.0'] },
    })
    expect(document.documentNamespace).toMatch(/^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    const ids = document.packages.map(({ SPDXID }) => SPDXID)
    expect(ids).toHaveLength(4)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { SPDXID, name, ...fields } of document.packages) {
      expect(SPDXID).toMatch(/^SPDXRef-[A-Za-z0-9.-]+$/)
      expect(name).not.toBe('')
      expect(fields).toMatchObject({ downloadLocation: 'NOASSERTION', filesAnalyzed: false })
      expect(fields['supplier']).toMatch(/^(NOASSERTION|(Organization|Person): .+)$/)
      for (const { referenceLocator } of fields.externalRefs ?? []) expect(referenceLocator).toMatch(/^\S+$/)
    }
    const [described, ...contained] = document.relationships
    expect(described).toEqual({
      spdxElementId: 'SPDXRef-DOCUMENT',
      relationshipType: 'DESCRIBES',
      relatedSpdxElement: 'SPDXRef-Image',
    })
    expect(contained.map(({ relatedSpdxElement }) => relatedSpdxElement)).toEqual(ids.slice(1))
    expect(document.packages[0]).toMatchObject({
      checksums: [{ algorithm: 'SHA256', checksumValue: image.digest.slice(7) }],
      externalRefs: [{ referenceLocator: `pkg:oci/counter@${image.digest}?tag=1.4.0` }],
    })
  })

  it('is the same for the same image, and another for another', async () => {
    const [one, again] = [await read([[status(...bash)]]), await read([[status(...bash)]])]
    expect(JSON.stringify(again.document)).toBe(JSON.stringify(one.document))
    const other = await read([[npm('node_modules/a', '1')]])
    expect(other.document.documentNamespace).not.toBe(one.document.documentNamespace)
  })

  it('is an artifact about its image', async () => {
    const { sbom, image } = await read([[status(...bash)]])
    const artifact = sbomArtifact(image, sbom)
    const manifest = parseManifest(artifact.bytes, undefined)
    expect(manifest).toMatchObject({ subject: image.digest, artifactType: 'application/spdx+json' })
    const document = artifact.blobs.find(({ descriptor }) => descriptor.mediaType === 'application/spdx+json')
    expect(JSON.parse(String(document?.bytes))).toEqual(JSON.parse(JSON.stringify(sbom.document)))
  })

  it('leaves nothing behind', async () => {
    await read([[status(...bash), { name: 'var/lib/rpm/rpmdb.sqlite', content: 'none' }]])
    expect(await readdir(folder)).toEqual(['layout'])
  })
})

describe('layers', () => {
  const a1 = npm('app/node_modules/a', '1')
  const a2 = npm('app/node_modules/a', '2')
  const b1 = npm('app/node_modules/b', '1')
  const whiteout = (name: string): ArchiveEntry => ({ name })

  it.each<[string, readonly (readonly ArchiveEntry[])[], string[]]>([
    ['replace what is below', [[a1], [a2]], ['a@2']],
    ['add', [[a1], [b1]], ['a@1', 'b@1']],
    ['hide a file', [[a1, b1], [whiteout('app/node_modules/a/.wh.package.json')]], ['b@1']],
    ['hide a folder', [[a1, b1], [whiteout('app/node_modules/.wh.a')]], ['b@1']],
    ['hide all of a folder', [[a1, b1], [whiteout('app/.wh.node_modules')]], []],
    ['hide what a folder has', [[a1], [whiteout('app/node_modules/.wh..wh..opq'), b1]], ['b@1']],
    ['hide only what is below, in whatever order', [[a1], [b1, whiteout('app/node_modules/.wh..wh..opq')]], ['b@1']],
    ['hide and bring in one', [[a1], [a2, whiteout('app/node_modules/.wh.a')]], ['a@2']],
    ['hide everything', [[a1], [whiteout('.wh..wh..opq')]], []],
    ['hide for good', [[a1], [whiteout('.wh.app')], [b1]], ['b@1']],
    ['put a file in place of a folder', [[a1, b1], [{ name: 'app/node_modules/a', content: '' }]], ['b@1']],
    ['put a link in place of a folder', [[a1], [{ name: 'app', type: 'symlink', linkname: 'b' }]], []],
    ['keep a folder that is named again', [[a1], [{ name: 'app/node_modules/a', type: 'directory' }]], ['a@1']],
    ['keep what a name only begins like', [[a1], [whiteout('app/.wh.node')]], ['a@1']],
    ['pass over notes of union file systems', [[a1], [whiteout('app/.wh..wh.node_modules')]], ['a@1']],
    ['begin names with ./ or /', [[{ ...a1, name: `./${a1.name}` }], [{ ...b1, name: `/${b1.name}` }]], ['a@1', 'b@1']],
    ['cannot lead out of the root', [[{ ...a1, name: `../${a1.name}` }], [{ ...a1, name: `x/../../${a1.name}` }]], []],
  ])('%s', async (_, layers, expected) => {
    expect(await listed(layers)).toEqual(expected.map((name) => `pkg:npm/${name}`))
  })

  it('have hard links to what was read, to what was not, and to nothing', async () => {
    const link = (name: string, linkname: string): ArchiveEntry => ({ name, type: 'link', linkname })
    const result = await read([
      [
        a1,
        { ...b1, name: 'store/files/12' },
        link('x/node_modules/a/package.json', a1.name),
        link('app/node_modules/b/package.json', './store/files/12'),
        link('app/node_modules/c/package.json', 'nowhere'),
        link('app/node_modules/d/package.json', '../../etc/passwd'),
      ],
    ])
    expect(purlsOf(result)).toEqual(['pkg:npm/a@1', 'pkg:npm/b@1'])
    expect(result.sbom.notes).toEqual([
      'app/node_modules/c/package.json is a link to something that is not there.',
      'app/node_modules/d/package.json is a link to something that is not there.',
    ])
    expect(result.document.packages.find(({ name }) => name === 'a')?.['sourceInfo']).toMatch(/\/app\/.*, \/x\//)
  })

  it.each<[string, string, (bytes: Buffer) => Buffer]>([
    ['gzip', `${plain}+gzip`, (bytes) => gzipSync(bytes)],
    ['zstd', `${plain}+zstd`, (bytes) => zstdCompressSync(bytes)],
    ['Docker', 'application/vnd.docker.image.rootfs.diff.tar.gzip', (bytes) => gzipSync(bytes)],
  ])('come packed as %s', async (_, mediaType, pack) => {
    expect(await listed([{ bytes: pack(await makeArchive([a1])), mediaType }])).toEqual(['pkg:npm/a@1'])
  })

  it.each<[string, (archive: Buffer) => { bytes: Buffer; mediaType: string }]>([
    ['that break off', (archive) => ({ bytes: archive.subarray(0, 700), mediaType: plain })],
    ['that are no archive', () => ({ bytes: Buffer.alloc(2048, 7), mediaType: plain })],
    ['that are not packed as they say', (archive) => ({ bytes: archive, mediaType: `${plain}+gzip` })],
    ['of a strange type', (archive) => ({ bytes: archive, mediaType: 'application/wasm' })],
  ])('%s are refused', async (_, damage) => {
    const archive = await makeArchive([a1])
    await expect(read([damage(archive)])).rejects.toMatchObject({ code: 'OCI_IMAGE_UNREADABLE' })
    expect(await readdir(folder)).toEqual(['layout'])
  })

  it('may have files that are too large to be read, which is told', async () => {
    const large = { name: 'node_modules/x/package.json', content: Buffer.alloc(1024 * 1024 + 1, 0x20) }
    const { sbom, document } = await read([[large, a1]])
    expect(sbom.notes).toEqual(['node_modules/x/package.json is too large to be read (1048577 bytes).'])
    expect(document.comment).toContain(sbom.notes[0])
  })

  it('may have databases that cannot be read, which is told', async () => {
    const { sbom }: { sbom: Sbom } = await read([
      [
        { name: 'var/lib/rpm/rpmdb.sqlite', content: 'SQLite format 3\0 and then nothing' },
        { name: 'usr/lib/sysimage/rpm/Packages.db', content: 'RpmP' },
      ],
    ])
    expect(sbom.notes).toEqual([
      'usr/lib/sysimage/rpm/Packages.db is an RPM database in a form that cannot be read here.',
      expect.stringMatching(/^var\/lib\/rpm\/rpmdb\.sqlite cannot be read: /),
    ])
  })

  it('are not read on when that is no longer wanted', async () => {
    await expect(read([[a1]], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'CANCELLED' })
  })
})
