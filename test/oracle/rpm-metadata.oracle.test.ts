import { spawnSync } from 'node:child_process'
import { createReadStream, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestFromHex } from '../../src/core/index.ts'
import { decompress, type CompressionFormat } from '../../src/unpack/index.ts'
import { AgreedPackages } from '../../src/rpm/agreed-packages.ts'
import { checkStatements } from '../../src/rpm/check-statements.ts'
import { compilePrimary } from '../../src/rpm/compile-primary.ts'
import { cutComps } from '../../src/rpm/comps.ts'
import { findOwners } from '../../src/rpm/filelists.ts'
import { readRpmBytes, toPackage } from '../../src/rpm/header/index.ts'
import type { PackageIndex } from '../../src/rpm/package-index.ts'
import { laterRelations } from '../../src/rpm/package-rows.ts'
import { parseRepomd, type Repomd } from '../../src/rpm/repomd.ts'
import { makeRpm, type MakeRpmOptions } from '../../src/rpm/testing/make-rpm.ts'
import { Universe } from '../../src/rpm/universe.ts'
import { cutUpdateinfo } from '../../src/rpm/updateinfo.ts'

const python = '/usr/bin/python3'
const hasTools = spawnSync('createrepo_c', ['--version']).status === 0
const hasDnf = spawnSync(python, ['-c', 'import hawkey, libcomps']).status === 0
const must = process.env['CI'] === 'true'

const folder = mkdtempSync(join(tmpdir(), 'larder-rpm-metadata-'))
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** What dnf's library says of a package; relations and files sorted. */
type JudgedRow = Record<string, unknown> & { name: string }

interface Judged {
  rows: JudgedRow[]
  advisories: Record<string, string[]>
}

const packages: MakeRpmOptions[] = [
  {
    name: 'webserver',
    version: '1.22.1',
    release: '4.el9',
    epoch: 2,
    summary: 'Fast & <small>, “really”',
    requires: ['libc.so.6()(64bit)', 'pre:/bin/sh', 'base >= 1:4.2-1', '(geoip if (data or maps >= 2))', 'perl(A::B)'],
    provides: ['httpd', 'webserver(x86-64) = 2:1.22.1', 'font(:lang=de)'],
    conflicts: ['old < 2'],
    obsoletes: ['older <= 0:3.0-1'],
    recommends: ['(docs if base)'],
    suggests: ['extra'],
    supplements: ['(a and b)'],
    enhances: ['c > 1~rc1'],
    files: { '/usr/bin/webserver': 'x', '/etc/a & <b>.conf': 'y', '/usr/share/ü/ä ö': 'z', '/usr/share/ü': undefined },
    ghosts: ['/etc/ghost'],
  },
  { name: 'base', version: '4.3~rc1', architecture: 'noarch', files: { '/usr/share/ü': undefined } },
  { name: 'base', version: '4.3^git1', architecture: 'noarch', provides: ['/bin/sh'] },
  { name: 'sources', version: '1', architecture: 'src', requires: ['gcc'] },
]

const ways: [CompressionFormat, string[]][] = [
  ['gz', ['--general-compress-type=gz', '--checksum=sha256']],
  ['xz', ['--general-compress-type=xz', '--checksum=sha512', '--baseurl=http://example.org/a/?b&c/']],
  ['bz2', ['--general-compress-type=bz2', '--checksum=sha']],
]

describe.skipIf((!hasTools || !hasDnf) && !must)('metadata by createrepo_c [needs createrepo_c, dnf]', () => {
  beforeAll(() => {
    mkdirSync(join(folder, 'Packages'))
    packages.forEach((options, place) => {
      writeFileSync(join(folder, 'Packages', `${options.name}-${place}.rpm`), makeRpm(options))
    })
  })

  it.each(ways)('in %s is read as dnf reads it', async (format, options) => {
    const repomd = createrepo(format, options)
    const index = await open(repomd, format)
    expect(index.notes).toEqual([])
    expect(index.rowCount).toBe(packages.length)
    const judged = judge({ repomd: join(folder, 'repodata/repomd.xml'), primary: pathOf(repomd, 'primary') })
    expect(rowsOf(index)).toEqual(sorted(judged.rows))
    index.close()
  })

  it('never contradicts the headers that it was made of, and does when one of them is another', async () => {
    const odd = oddPackages()
    odd.forEach((rpm, place) => writeFileSync(join(folder, 'Packages', `odd-${place}.rpm`), rpm))
    try {
      const index = await open(createrepo('gz', []), 'gz')
      expect(index.rowCount).toBe(packages.length + odd.length)
      const universe = new Universe([{ index, upstream: 'oracle', rank: 0 }], ['x86_64'])
      const stated = Array.from({ length: index.rowCount }, (_, row) => {
        const digest = digestFromHex(index.checksum(row).hex)
        return { row, item: { digest, sizeBytes: index.sizeBytesOf[row]!, label: index.location(row) } }
      })
      const headers = {
        of: ({ label }: { label: string }) =>
          Promise.resolve(toPackage(readRpmBytes(readFileSync(join(folder, label)), label))),
      }
      const check = (): Promise<void> => checkStatements({ universe, headers, agreed: forgetful(), signal }, stated)
      await check()
      writeFileSync(join(folder, 'Packages', 'odd-7.rpm'), odd[8]!)
      await expect(check()).rejects.toMatchObject({
        code: 'RPM_HEADER_MISMATCH',
        context: { package: 'Packages/odd-7.rpm' },
      })
      index.close()
    } finally {
      odd.forEach((_, place) => rmSync(join(folder, 'Packages', `odd-${place}.rpm`)))
    }
  })

  it('has the files that dnf finds in it', async () => {
    const repomd = createrepo('gz', [])
    const index = await open(repomd, 'gz')
    const { rows } = judge({
      repomd: join(folder, 'repodata/repomd.xml'),
      primary: pathOf(repomd, 'primary'),
      filelists: pathOf(repomd, 'filelists'),
    })
    const paths = [...new Set(rows.flatMap((row) => row['files'] as string[])), '/usr/share/none']
    const found = await findOwners(unpacked(pathOf(repomd, 'filelists'), 'gz'), new Set(paths))
    const owners = (path: string): unknown[] =>
      rows.filter((row) => (row['files'] as string[]).includes(path)).map((row) => row['checksum'])
    expect(paths.length).toBeGreaterThan(5)
    for (const path of paths) expect((found.get(path) ?? []).toSorted()).toEqual(owners(path).toSorted())
    index.close()
  })

  it('is read whole by dnf after advisories were cut', async () => {
    const repomd = createrepo('gz', [])
    const named = (name: string, evr: string, arch: string): string =>
      `<package name="${name}" ${evr} arch="${arch}" src="x"><filename>${name}.rpm</filename></package>`
    const web = named('webserver', 'epoch="2" version="1.22.1" release="4.el9"', 'x86_64')
    const gone = named('gone', 'epoch="0" version="1" release="1"', 'noarch')
    const update = (id: string, tags: string): string =>
      `<update from="a" status="final" type="security" version="1"><id>${id}</id><title>t</title><issued date="2024-01-01"/>
      <pkglist><collection short="c"><name>c</name>${tags}</collection></pkglist></update>`
    const text = `<updates>${update('A-1', web + gone)}${update('A-2', gone)}</updates>`
    const index = await open(repomd, 'gz')
    const held = new Set(rowsOf(index).map((row) => `${row.name} ${String(row['evr'])} ${String(row['architecture'])}`))
    const cut = await cutUpdateinfo([one(Buffer.from(text))], {
      has: ({ name, evr, architecture }) => held.has(`${name} ${evr} ${architecture}`),
    })
    const updateinfo = join(folder, 'updateinfo.xml')
    writeFileSync(updateinfo, cut!)
    const judged = judge({
      repomd: join(folder, 'repodata/repomd.xml'),
      primary: pathOf(repomd, 'primary'),
      updateinfo,
    })
    expect(judged.advisories).toEqual({ 'A-1': ['webserver'] })
    index.close()
  })

  it('and so are groups', () => {
    const group = (id: string, names: string[]): string =>
      `<group><id>${id}</id><name>${id}</name><description>d</description><default>true</default><uservisible>true</uservisible><packagelist>
      ${names.map((name) => `<packagereq type="mandatory">${name}</packagereq>`).join('')}</packagelist></group>`
    const environment = `<environment><id>e</id><name>e</name><description>d</description><grouplist><groupid>g1</groupid><groupid>g2</groupid></grouplist>
      <optionlist><groupid>g2</groupid></optionlist></environment>`
    const files = [
      `<!DOCTYPE comps PUBLIC "-//Example//DTD Comps info//EN" "comps.dtd"><comps>${group('g1', ['a', 'b'])}${group('g2', ['b'])}${environment}</comps>`,
      `<comps>${group('g1', ['c', 'd'])}</comps>`,
    ]
    const cut = cutComps(
      files.map((text) => Buffer.from(text)),
      (name) => name === 'a' || name === 'd',
    )
    expect(judge({ comps: cut!.toString() })).toEqual({ groups: { g1: ['a', 'd'] }, environments: { e: ['g1'] } })
  })
})

const { signal } = new AbortController()

function forgetful(): AgreedPackages {
  return new AgreedPackages({ keys: () => Promise.resolve([]), putKeys: () => Promise.resolve() })
}

/** Packages with all kinds of dependencies, of many versions and on many names, themselves among them. */
function oddPackages(): Buffer[] {
  const names = ['odd', 'libc.so.6(GLIBC_2.4)(64bit)', 'libc.so.6(GLIBC_ABI_DT_RELR)(64bit)', 'libc.so.6()(64bit)', 'libc.so.6(GLIBC_2.34)(64bit)', '/bin/sh', '/etc/odd', '/usr/share/odd', 'config(odd)', 'a', 'pre:a', 'rpmlib(X)', 'größe', '(a if b)', '(odd or a)'] // prettier-ignore
  const versions = ['', ' = 1', ' = 0:1-1', ' >= 1:1-1', ' < 2', ' > 0', ' <= 01:2', ' = :3', ' = 4-', ' = 5-6-7', ' = 1~x^y'] // prettier-ignore
  const clauses = names.flatMap((name) => (name.startsWith('(') ? [name] : versions.map((version) => name + version)))
  const shuffled = (seed: number): string[] => clauses.filter((_, place) => (place * 7919 + seed * 104_729) % 11 === 0)
  return Array.from({ length: 40 }, (_, seed) =>
    makeRpm({
      name: 'odd',
      version: String(seed),
      requires: [...shuffled(seed), ...shuffled(seed + 1).slice(0, 3), ...shuffled(seed).slice(0, 2)],
      provides: shuffled(seed + 5).filter((clause) => !clause.startsWith('(') && !clause.startsWith('pre:')),
      conflicts: shuffled(seed + 3),
      obsoletes: shuffled(seed + 7).filter((clause) => !clause.startsWith('(')),
      files: seed % 2 === 0 ? { '/etc/odd': '', '/usr/share/odd': '', '/usr/bin/größe': '' } : {},
      ghosts: seed % 3 === 0 ? ['/etc/odd.ghost'] : [],
    }),
  )
}

function createrepo(format: CompressionFormat, options: readonly string[]): Repomd {
  rmSync(join(folder, 'repodata'), { recursive: true, force: true })
  const { status, stderr } = spawnSync('createrepo_c', ['--quiet', '--no-database', ...options, folder])
  expect(status, stderr.toString()).toBe(0)
  const repomd = parseRepomd(readFileSync(join(folder, 'repodata/repomd.xml')))
  expect(repomd.records.map(({ type }) => type).sort()).toEqual(['filelists', 'other', 'primary'])
  for (const { href } of repomd.records) expect(href.endsWith(`.${format}`)).toBe(true)
  return repomd
}

function pathOf(repomd: Repomd, type: string): string {
  return join(folder, repomd.records.find((record) => record.type === type)!.href)
}

function unpacked(path: string, format: CompressionFormat): AsyncIterable<Buffer> {
  return decompress(createReadStream(path) as AsyncIterable<Buffer>, format, { maxBytes: 1e8, signal, label: path })
}

async function* one(bytes: Buffer): AsyncGenerator<Buffer> {
  await Promise.resolve()
  yield bytes
}

async function open(repomd: Repomd, format: CompressionFormat): Promise<PackageIndex> {
  const stream = unpacked(pathOf(repomd, 'primary'), format)
  return compilePrimary(stream, { folder: join(folder, 'cache'), key: 'oracle', label: 'oracle' })
}

const relationNames = ['provides', 'supplements', ...laterRelations] as const

function rowsOf(index: PackageIndex): JudgedRow[] {
  const universe = new Universe([{ index, upstream: 'oracle', rank: 0 }], ['x86_64'])
  const rows = Array.from({ length: index.rowCount }, (_, row): JudgedRow => {
    const relations = relationNames.map((name) => {
      return [
        name,
        universe
          .clausesOf(row, name)
          .map((id) => universe.clauseText(id))
          .sort(),
      ] as const
    })
    const files = index.file.subarray(index.fileStart[row], index.fileStart[row + 1])
    return {
      name: index.word(index.nameOf[row]!),
      evr: index.word(index.evrOf[row]!),
      architecture: index.word(index.architectureOf[row]!),
      sizeBytes: index.sizeBytesOf[row],
      href: index.location(row),
      base: index.baseUrl(row) ?? null,
      checksum: index.checksum(row).hex,
      sourceRpm: index.sourceRpm(row),
      files: Array.from(files, (id) => index.word(id)).sort(),
      ...Object.fromEntries(relations),
    }
  })
  return sorted(rows)
}

function sorted(rows: readonly JudgedRow[]): JudgedRow[] {
  return rows.toSorted((a, b) => (String(a['href']) < String(b['href']) ? -1 : 1))
}

function judge(job: Record<string, string>): Judged {
  const script = join(import.meta.dirname, 'rpm-metadata-judge.py')
  const { stdout, stderr } = spawnSync(python, [script], { input: `${JSON.stringify(job)}\n`, maxBuffer: 1 << 26 })
  expect(stdout.length, stderr.toString()).toBeGreaterThan(0)
  return JSON.parse(stdout.toString()) as Judged
}
