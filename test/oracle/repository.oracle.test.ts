import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import * as openpgp from 'openpgp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { digestFromHex } from '../../src/core/digest.ts'
import { writeTree, type SigningKey } from '../../src/publish/index.ts'
import type { LeaseId } from '../../src/store/index.ts'
import { MemoryBlobStore } from '../../src/store/testing/index.ts'
import { debInMemory, readDebControl } from '../../src/apt/deb/index.ts'
import { readDebFiles } from '../../src/apt/deb/read-deb.ts'
import {
  composeRepository,
  poolEntries,
  createAptSealer,
  createFileLists,
  type RepositoryPackage,
} from '../../src/apt/repository/index.ts'
import { memoryCache } from '../../src/pieces/testing/memory-cache.ts'

const run = promisify(execFile)
const lease = 'oracle' as LeaseId
const tools = ['apt-get', 'apt-ftparchive', 'dpkg-deb', 'gpgv', 'xz', 'gzip'].filter(
  (name) => !(process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, name))),
)

/** A repository of real .debs, published, served over loopback and read by the real apt. */
describe.skipIf(tools.length > 0 && process.env['CI'] !== 'true')(
  `apt reads what we compose (missing: ${tools.join(' ') || 'nothing'})`,
  () => {
    let folder: string
    let server: Server
    let port: number
    const store = new MemoryBlobStore()
    const cache = memoryCache()
    const requests: string[] = []
    let key: SigningKey
    let packages: RepositoryPackage[]
    const descriptions = new Map<string, string>()

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'larder-repository-'))
      key = await makeKey()
      packages = [
        await makePackage('hello-base', {
          version: '1:2.0-1',
          fields: 'Multi-Arch: foreign\nX-Odd-Field:  kept   as it is\n',
        }),
        await makePackage('hello-data', { architecture: 'all', fields: 'Tag: role::data,\n implemented-in::none\n' }),
        await makePackage('hello', { fields: 'Depends: hello-base (>= 1:1.5), hello-data\n' }),
        await makePackage('libhello1', { flat: true, sha256: false }),
      ]
      server = createServer((request, response) => {
        const path = decodeURIComponent(request.url ?? '')
        requests.push(path)
        const file = join(folder, 'www', path)
        if (!existsSync(file)) return void response.writeHead(404).end()
        createReadStream(file).pipe(response)
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      port = (server.address() as { port: number }).port
    })

    afterAll(async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true, force: true })
    })

    async function makePackage(
      name: string,
      options: { version?: string; architecture?: string; fields?: string; flat?: boolean; sha256?: boolean },
    ): Promise<RepositoryPackage> {
      const { version = '1.0-1', architecture = 'amd64', fields = '', flat = false, sha256 = true } = options
      const root = join(folder, 'build', name)
      await mkdir(join(root, 'DEBIAN'), { recursive: true })
      await mkdir(join(root, 'usr/share', name), { recursive: true })
      await writeFile(join(root, 'usr/share', name, 'text'), `of ${name}`)
      const control =
        `Package: ${name}\nVersion: ${version}\nArchitecture: ${architecture}\nMaintainer: A <a@example.org>\n` +
        `Section: misc\nPriority: optional\n${fields}Description: short of ${name}\n Long of ${name}.\n`
      await writeFile(join(root, 'DEBIAN/control'), control)
      const file = `${name}_${version.replace(/^.*:/, '')}_${architecture}.deb`
      await run('dpkg-deb', ['--root-owner-group', '--build', root, join(folder, file)])
      const bytes = await readFile(join(folder, file))
      const hash = (algorithm: string): string => createHash(algorithm).update(bytes).digest('hex')
      const filename = flat ? `./${file}` : `pool/main/h/${name}/${file}`
      const long = `short of ${name}\n Long of ${name}.\n`
      const sum = createHash('md5').update(long).digest('hex')
      descriptions.set(sum, `Package: ${name}\nDescription-md5: ${sum}\nDescription-en: ${long}`)
      const stanza =
        control.replace(/Description:.*\n .*\n/, `Description: short of ${name}\nDescription-md5: ${sum}\n`) +
        `Filename: ${filename}\nSize: ${bytes.length}\n${sha256 ? `SHA256: ${hash('sha256')}\n` : ''}SHA512: ${hash('sha512')}\n`
      const digest = await store.write(lease, bytes)
      expect(digest).toBe(digestFromHex(hash('sha256')))
      const common = { name, version, architecture, filename, digest, sizeBytes: bytes.length }
      return { ...common, upstream: 'debian', reason: 'listed', stanza: () => Buffer.from(stanza) }
    }

    async function publish(chosen: readonly RepositoryPackage[], at: Date): Promise<void> {
      const { packages, files, meta } = await composeRepository({
        packages: chosen,
        store,
        lease,
        cache,
        cacheKey: 'base',
        suite: 'bookworm',
        origin: 'Larder',
        label: 'campus base',
        components: ['main'],
        architectures: ['amd64'],
        contents: createFileLists({ store, lease, cache, folder: tmpdir(), signal: new AbortController().signal }),
        translations: new Map([
          ['main', { identity: '1', find: (_: string, sum: string) => Buffer.from(descriptions.get(sum) ?? '') }],
        ]),
      })
      const tree = await writeTree(store, lease, [...poolEntries(packages), ...files])
      const validUntil = new Date(at.getTime() + 86_400_000)
      const snapshot = { tree: tree.digest, mirror: 'base', number: 1, createdAt: at, origin: 'test', meta }
      const sealed = await createAptSealer(meta, key).seal({ snapshot, tree, sealedAt: at, validUntil })
      await rm(join(folder, 'www'), { recursive: true, force: true })
      for (const entry of tree.entries()) {
        const parts = entry.parts ?? [entry]
        await put(entry.path, Buffer.concat(await Promise.all(parts.map((part) => store.readWhole(part.digest)))))
      }
      for (const entry of sealed.entries) await put(entry.path, entry.bytes)
    }

    async function put(path: string, bytes: Buffer): Promise<void> {
      const file = join(folder, 'www', path)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, bytes)
    }

    async function aptRoot(name: string): Promise<(program: string, ...args: string[]) => Promise<string>> {
      const root = join(folder, name)
      for (const each of [
        'etc/apt/sources.list.d',
        'etc/apt/preferences.d',
        'etc/apt/apt.conf.d',
        'etc/apt/trusted.gpg.d',
        'var/lib/apt/lists/partial',
        'var/cache/apt/archives/partial',
        'work',
      ]) {
        await mkdir(join(root, each), { recursive: true })
      }
      await writeFile(join(root, 'status'), '')
      const signedBy = key.publicKeyArmored
        .trim()
        .split('\n')
        .map((line) => ` ${line.trim() || '.'}`)
        .join('\n')
      await writeFile(
        join(root, 'etc/apt/sources.list.d/larder.sources'),
        `Types: deb\nURIs: http://127.0.0.1:${port}/\nSuites: bookworm\nComponents: main\nSigned-By:\n${signedBy}\n`,
      )
      const config = `Dir "${root}";\nDir::State::status "${root}/status";\nAPT::Architecture "amd64";\nAPT::Architectures { "amd64"; };\nAPT::Sandbox::User "root";\nAcquire::Languages { "en"; };\nAcquire::http::Proxy "DIRECT";\nAcquire::Retries "0";\n`
      await writeFile(join(root, 'apt.conf'), config)
      return async (program, ...args) => {
        const env = { ...process.env, APT_CONFIG: join(root, 'apt.conf'), LC_ALL: 'C' }
        const { stdout, stderr } = await run(program, args, { cwd: join(root, 'work'), env })
        return stdout + stderr
      }
    }

    test('update is clean, show prints every field, download and install fetch and verify', async () => {
      await publish(packages, new Date())
      const apt = await aptRoot('client')
      requests.length = 0
      const update = await apt('apt-get', 'update')
      expect(update).not.toMatch(/^(?:W|E|N|Err|Ign)[: ]/m)
      expect(requests.filter((path) => path.includes('/by-hash/SHA256/'))).toHaveLength(2)

      const shown = await apt('apt-cache', 'show', 'hello-base')
      expect(shown).toContain('\nX-Odd-Field:  kept   as it is\n')
      expect(shown).toContain('Multi-Arch: foreign')
      expect(shown).toContain('Long of hello-base.')
      expect(await apt('apt-cache', 'show', 'hello-data')).toContain('Tag: role::data,\n implemented-in::none')

      await apt('apt-get', 'download', 'libhello1')
      const fetched = await readFile(join(folder, 'client/work/libhello1_1.0-1_amd64.deb'))
      expect(fetched.equals(await readFile(join(folder, 'libhello1_1.0-1_amd64.deb')))).toBe(true)
      const install = await apt('apt-get', '-y', '--download-only', 'install', 'hello')
      expect(install).toMatch(/3 newly installed/)
      expect(install).toContain('Download complete')
    })

    test('a change and a rollback are followed by the same client', async () => {
      const start = Date.now() - 60_000
      const apt = await aptRoot('follower')
      const names = async (): Promise<string[]> => {
        expect(await apt('apt-get', 'update')).not.toMatch(/^(?:W|E|N|Err|Ign)[: ]/m)
        return (await apt('apt-cache', 'pkgnames')).trim().split('\n').sort()
      }
      const all = packages.map((item) => item.name).sort()
      await publish(packages, new Date(start))
      expect(await names()).toEqual(all)
      await publish(packages.slice(0, 2), new Date(start + 10_000))
      expect(await names()).toEqual(['hello-base', 'hello-data'])
      await publish(packages, new Date(start + 20_000))
      expect(await names()).toEqual(all)
    })

    test('gpgv accepts both signatures; xz, gzip and zcat accept the indices', async () => {
      await publish(packages, new Date())
      const dists = join(folder, 'www/dists/bookworm')
      const armored = await openpgp.readKey({ armoredKey: key.publicKeyArmored })
      await writeFile(join(folder, 'key.gpg'), armored.write())
      const ring = ['--keyring', join(folder, 'key.gpg')]
      await run('gpgv', [...ring, join(dists, 'InRelease')])
      await run('gpgv', [...ring, join(dists, 'Release.gpg'), join(dists, 'Release')])
      const folderOfIndex = join(dists, 'main/binary-amd64')
      await run('xz', ['-t', join(folderOfIndex, 'Packages.xz')])
      await run('gzip', ['-t', join(folderOfIndex, 'Packages.gz')])
      const plain = await readFile(join(folderOfIndex, 'Packages'), 'utf8')
      expect((await run('zcat', [join(folderOfIndex, 'Packages.gz')])).stdout).toBe(plain)
      expect((await run('xz', ['-dc', join(folderOfIndex, 'Packages.xz')])).stdout).toBe(plain)
      const translation = join(dists, 'main/i18n/Translation-en')
      expect((await run('xz', ['-dc', `${translation}.xz`])).stdout).toBe(await readFile(translation, 'utf8'))
    })

    test('apt-ftparchive, asked about our pool, says the same of every package', async () => {
      await publish(packages, new Date())
      const { stdout } = await run('apt-ftparchive', ['packages', 'pool'], { cwd: join(folder, 'www') })
      const ours = await readFile(join(folder, 'www/dists/bookworm/main/binary-amd64/Packages'), 'utf8')
      const [expected, found] = [stanzasByName(stdout), stanzasByName(ours)]
      expect([...found.keys()].sort()).toEqual([...expected.keys()].sort())
      for (const [name, fields] of found) {
        const theirs = expected.get(name)!
        for (const field of [
          'Version',
          'Architecture',
          'Filename',
          'Size',
          'SHA256',
          'SHA512',
          'Depends',
          'Multi-Arch',
        ]) {
          expect([name, field, fields.get(field)]).toEqual([name, field, theirs.get(field)])
        }
      }
    })

    test('Contents says what apt-ftparchive reads from the packages, and the section, which it leaves out', async () => {
      await publish(packages, new Date())
      const { stdout } = await run('apt-ftparchive', ['contents', 'pool'], { cwd: join(folder, 'www') })
      const zipped = join(folder, 'www/dists/bookworm/main/Contents-amd64.gz')
      const ours = (await run('zcat', [zipped])).stdout
      const meaning = (text: string): string[] =>
        text
          .trim()
          .split('\n')
          .map((line) => line.split(/\s+/).join(' '))
      expect(meaning(ours.replace(/\tmisc\//g, '\t'))).toEqual(meaning(stdout))
      expect(ours).toContain('usr/share/hello/text\tmisc/hello\n')
    })

    test.each(['none', 'gzip', 'xz', 'zstd'])(
      'the reader of .debs reads what dpkg-deb -Z%s makes',
      async (compression) => {
        const root = join(folder, 'build/hello')
        const file = join(folder, `${compression}.deb`)
        const made = await run('dpkg-deb', [`-Z${compression}`, '--build', root, file]).catch((error: unknown) => error)
        // dpkg before 1.21.18 has no zstd.
        if (made instanceof Error && compression === 'zstd') return
        const source = debInMemory(await readFile(file), file)
        const { signal } = new AbortController()
        const { stdout } = await run('dpkg-deb', ['--info', file, 'control'])
        expect((await readDebControl(source, signal)).toString()).toBe(stdout)
        expect(await readDebFiles(source, signal)).toEqual(['usr/share/hello/text'])
      },
    )

    test('Release is what apt-ftparchive would list, by-hash files apart', async () => {
      await publish(packages, new Date())
      const dists = join(folder, 'www/dists/bookworm')
      const release = await readFile(join(dists, 'Release'), 'utf8')
      const listed = [...release.matchAll(/^ ([0-9a-f]{64}) +(\d+) (.*)$/gm)].map((match) => match.slice(1).join(' '))
      await Promise.all(['Release', 'Release.gpg', 'InRelease'].map((name) => rm(join(dists, name))))
      const { stdout } = await run(
        'apt-ftparchive',
        ['-o', 'APT::FTPArchive::DoByHash=false', '-o', 'APT::FTPArchive::SHA512=false', 'release', '.'],
        { cwd: dists },
      )
      const theirs = [...stdout.matchAll(/^ ([0-9a-f]{64}) +(\d+) (.*)$/gm)].map((match) => match.slice(1).join(' '))
      const sorted = theirs.filter((line) => !line.includes('/by-hash/')).sort()
      expect(listed.sort()).toEqual(sorted)
    })
  },
)

function stanzasByName(text: string): Map<string, Map<string, string>> {
  const stanzas = text.trim().split(/\n\n+/)
  return new Map(
    stanzas.map((stanza) => {
      const fields = new Map([...stanza.matchAll(/^([^\s:]+):[ \t]*(.*)$/gm)].map((match) => [match[1]!, match[2]!]))
      return [fields.get('Package')!, fields]
    }),
  )
}

async function makeKey(): Promise<SigningKey> {
  const { privateKey, publicKey } = await openpgp.generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name: 'Test', email: 'test@example.org' }],
    date: new Date(Date.now() - 3_600_000),
    format: 'object',
  })
  return {
    fingerprint: publicKey.getFingerprint().toUpperCase(),
    publicKeyArmored: publicKey.armor(),
    signCleartext: async (text, at) =>
      await openpgp.sign({
        message: await openpgp.createCleartextMessage({ text }),
        signingKeys: privateKey,
        date: at,
      }),
    signDetached: async (bytes, at) => {
      const message = await openpgp.createMessage({ binary: bytes })
      const armored: string = await openpgp.sign({
        message,
        signingKeys: privateKey,
        detached: true,
        date: at,
        format: 'armored',
      })
      return armored
    },
    signBinary: () => Promise.reject(new Error('nothing of APT is signed so')),
  }
}
