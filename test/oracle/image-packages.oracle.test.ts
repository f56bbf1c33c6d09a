import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { layoutSource } from '../../src/oci/proof/content.ts'
import { takeInventory, type Inventory } from '../../src/oci/proof/sbom/inventory.ts'
import { makeArchive, type ArchiveEntry } from '../../src/oci/testing/archive.ts'
import { writeLayout } from '../../src/oci/testing/write-layout.ts'
import { parseManifest } from '../../src/oci/manifest.ts'
import { parseInstalledRpm } from '../../src/rpm/index.ts'
import { makeRpm, type MakeRpmOptions } from '../../src/rpm/testing/make-rpm.ts'

const must = process.env['CI'] === 'true'
const has = (tool: string) => spawnSync(tool, ['--version']).status === 0

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-image-packages-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function inventoryOf(...layers: ArchiveEntry[][]): Promise<Inventory> {
  const layout = await mkdtemp(join(folder, 'layout-'))
  const spoolFolder = await mkdtemp(join(folder, 'spool-'))
  const archives = await Promise.all(layers.map(async (entries) => ({ bytes: await makeArchive(entries) })))
  const image = await writeLayout(layout, { layers: archives })
  const bytes = await readFile(join(layout, 'blobs', image.digest.replace(':', '/')))
  return takeInventory(layoutSource(layout), parseManifest(bytes, undefined).blobs.slice(1), {
    spoolFolder,
    signal: new AbortController().signal,
    parseRpmHeader: parseInstalledRpm,
  })
}

function run(command: string, args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`)
  return stdout
}

describe.skipIf(!existsSync('/var/lib/dpkg/status') && !must)(
  'packages of this host, beside dpkg-query [needs Debian]',
  () => {
    it('are those that are installed, with versions, architectures and sources', async () => {
      const { packages, notes } = await inventoryOf([
        { name: 'var/lib/dpkg/status', content: await readFile('/var/lib/dpkg/status') },
        { name: 'usr/lib/os-release', content: await readFile('/usr/lib/os-release') },
      ])
      expect(notes).toEqual([])
      const format = '${db:Status-Status} ${Package} ${Version} ${Architecture} ${source:Package}@${source:Version}\\n'
      const witness = run('dpkg-query', ['-W', '-f', format])
        .split('\n')
        .filter((line) => line !== '' && !/^(?:not-installed|config-files) /.test(line))
        .map((line) => line.slice(line.indexOf(' ') + 1))
      expect(witness.length).toBeGreaterThan(80)
      const ours = packages.map(({ name, version, architecture = '', source = `${name}@${version}` }) =>
        [name, version, architecture, source].join(' '),
      )
      expect(ours.sort()).toEqual(witness.sort())
    })
  },
)

describe.skipIf(!has('rpm') && !must)('packages of an RPM database, beside rpm [needs rpm]', () => {
  let root: string
  const made: MakeRpmOptions[] = [
    { name: 'alpha', version: '1.0~rc1', release: '2.el9', epoch: 3, license: 'MIT', vendor: 'Example Org' },
    { name: 'beta', version: '2', architecture: 'noarch', license: 'GPLv2+ and MIT', summary: 'Größe' },
    { name: 'gamma', version: '1^git2', files: { '/usr/share/gamma': 'x' } },
    ...Array.from({ length: 60 }, (_, index) => ({
      name: `many${index}`,
      version: '1',
      description: 'long '.repeat(2000),
    })),
  ]
  beforeAll(async () => {
    root = join(folder, 'root')
    await mkdir(root)
    const files = await Promise.all(
      made.map(async (options) => {
        const path = join(folder, `${options.name}.rpm`)
        await writeFile(path, makeRpm(options))
        return path
      }),
    )
    const options = ['--define', '_db_backend sqlite', '--define', '_dbpath /usr/lib/sysimage/rpm']
    run('rpm', [
      '--root',
      root,
      ...options,
      '--justdb',
      '--nodeps',
      '--nosignature',
      '--nodigest',
      '--noscripts',
      '-i',
      ...files,
    ])
  })

  const witness = (): string[] =>
    run('rpm', [
      '--root',
      root,
      '--define',
      '_db_backend sqlite',
      '--define',
      '_dbpath /usr/lib/sysimage/rpm',
      '-qa',
      '--nosignature',
      '--nodigest',
      '--qf',
      '%{NAME} %{EPOCH} %{VERSION}-%{RELEASE} %{ARCH} %{LICENSE} | %{VENDOR} %{SOURCERPM}\\n',
    ])
      .split('\n')
      .filter((line) => line !== '')
      .sort()

  const said = ({ packages }: Inventory): string[] =>
    packages
      .map(({ name, epoch = '(none)', version, architecture, license, supplier = '(none)', source }) =>
        [name, epoch, version, architecture, license, '|', supplier, source].join(' '),
      )
      .sort()

  async function databaseFiles(): Promise<ArchiveEntry[]> {
    const entries: ArchiveEntry[] = []
    for (const name of ['rpmdb.sqlite', 'rpmdb.sqlite-wal', 'rpmdb.sqlite-shm']) {
      const path = join(root, 'usr/lib/sysimage/rpm', name)
      if (existsSync(path)) entries.push({ name: `usr/lib/sysimage/rpm/${name}`, content: await readFile(path) })
    }
    return entries
  }

  it('are those that are installed, also after a layer that changed it', async () => {
    const before = await databaseFiles()
    const first = await inventoryOf(before)
    expect(first.notes).toEqual([])
    expect(witness()).toHaveLength(made.length)
    expect(said(first)).toEqual(witness())
    const options = ['--define', '_db_backend sqlite', '--define', '_dbpath /usr/lib/sysimage/rpm']
    run('rpm', ['--root', root, ...options, '--justdb', '--nodeps', '-e', 'alpha', 'many7'])
    const second = await inventoryOf(before, await databaseFiles())
    expect(said(second)).toEqual(witness())
    expect(second.packages).toHaveLength(made.length - 2)
  })

  it('are told of as far as they can be read, whatever is damaged', async () => {
    const [{ content }] = (await databaseFiles()) as [ArchiveEntry & { content: Buffer }]
    let worse = 0
    for (let at = 0; at < content.length; at += Math.ceil(content.length / 16)) {
      const damaged = Buffer.from(content)
      damaged.fill(0xa5, at, at + 600)
      const { packages, notes } = await inventoryOf([{ name: 'var/lib/rpm/rpmdb.sqlite', content: damaged }])
      expect(packages.length).toBeLessThanOrEqual(made.length)
      if (notes.length > 0) worse++
    }
    expect(worse).toBeGreaterThan(0)
  })
})
