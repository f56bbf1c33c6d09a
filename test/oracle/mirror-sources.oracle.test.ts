import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestMirror, type PublishedMirror, type TestMirror } from '../../src/apt/testing/test-mirror.ts'
import {
  startFileServer,
  startUpstream,
  type FileServer,
  type TestPackage,
  type Upstream,
} from '../fixtures/upstream/index.ts'

const run = promisify(execFile)
const tools = ['apt-get', 'gpgv', 'xz'].filter(
  (name) => !(process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, name))),
)

/** From a loopback upstream through a mirror with `sources: true` to the real apt. */
describe.skipIf(tools.length > 0 && process.env['CI'] !== 'true')(
  `apt-get source (missing: ${tools.join(' ') || 'nothing'})`,
  () => {
    let folder: string
    let upstream: Upstream
    let mirror: TestMirror
    let server: FileServer
    let published: PublishedMirror

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'larder-apt-source-'))
      const names = Array.from({ length: 150 }, (_, index) => `tool-${index}`)
      const packages: TestPackage[] = names.map((name) => ({ name, version: '1.0-1' }))
      const sources = names.map((name) => ({ name, version: '1.0-1' }))
      packages.push({ name: 'libfoo1', version: '2:3.0-1+b2', fields: { Source: 'foo (2:3.0-1)' } })
      const files = {
        'foo_3.0-1.dsc': 'the dsc',
        'foo_3.0.orig.tar.xz': 'the tarball',
        'foo_3.0-1.debian.tar.xz': 'rules',
      }
      upstream = await startUpstream({
        suites: [{ suite: 'bookworm', packages, sources: [...sources, { name: 'foo', version: '2:3.0-1', files }] }],
      })
      mirror = await createTestMirror({ debian: upstream })
      server = await startFileServer((path) => {
        const bytes = published.files.get(path.replace(/^apt\/base\//, ''))
        return bytes && { bytes, modifiedAt: new Date() }
      })
      published = await mirror.publish([...names, 'libfoo1'], { sources: true })
    })

    afterAll(async () => {
      await server.close()
      await mirror.close()
      await upstream.close()
      await rm(folder, { recursive: true, force: true })
    })

    async function client(name: string): Promise<{ work: string; apt(...args: string[]): Promise<string> }> {
      const root = join(folder, name)
      const work = join(root, 'work')
      const folders = ['etc/apt/sources.list.d', 'etc/apt/preferences.d', 'etc/apt/apt.conf.d', 'etc/apt/trusted.gpg.d']
      for (const each of [...folders, 'var/lib/apt/lists/partial', 'var/cache/apt/archives/partial', 'work'])
        await mkdir(join(root, each), { recursive: true })
      await writeFile(join(root, 'status'), '')
      const { deb822 } = published.clientSetup(server.url.replace(/\/$/, ''))
      await writeFile(join(root, 'etc/apt/sources.list.d/larder.sources'), deb822)
      const config = [
        `Dir "${root}";`,
        `Dir::State::status "${root}/status";`,
        'APT::Architecture "amd64";',
        'APT::Architectures { "amd64"; };',
        'APT::Sandbox::User "root";',
        'APT::Update::Error-Mode "any";',
        'Acquire::Languages "none";',
        'Acquire::http::Proxy "DIRECT";',
        'Acquire::Retries "0";',
      ]
      await writeFile(join(root, 'apt.conf'), config.join('\n'))
      const env = { PATH: process.env['PATH'], TMPDIR: folder, APT_CONFIG: join(root, 'apt.conf'), LC_ALL: 'C' }
      const apt = async (...args: string[]): Promise<string> => {
        const { stdout, stderr } = await run('apt-get', args, { cwd: work, env })
        return stdout + stderr
      }
      return { work, apt }
    }

    test('update is clean, and the source of a rebuilt package comes whole', async () => {
      const { apt, work } = await client('one')
      expect(await apt('update')).not.toMatch(/^(?:W|E|N|Err|Ign)[: ]/m)
      expect(server.requestsFor(/main\/source\/by-hash\/SHA256\//)).toHaveLength(1)
      const output = await apt('source', '--download-only', '--', 'libfoo1')
      expect(output).toContain("Picking 'foo' as source package instead of 'libfoo1'")
      const files = (await readdir(work)).sort()
      expect(files).toEqual(['foo_3.0-1.debian.tar.xz', 'foo_3.0-1.dsc', 'foo_3.0.orig.tar.xz'])
      expect(await readFile(join(work, 'foo_3.0.orig.tar.xz'), 'utf8')).toBe('the tarball')
      await apt('source', '--download-only', '--', 'tool-77=1.0-1')
      expect(await readdir(work)).toContain('tool-77_1.0-1.dsc')
    })

    test('a source file that was altered on the way is refused by apt, so the checksums are those it looks at', async () => {
      const { apt, work } = await client('two')
      await apt('update')
      server.fault('apt/base/pool/main/t/tool-3/tool-3_1.0-1.tar.gz', { kind: 'wrong-bytes' })
      await expect(apt('source', '--download-only', '--', 'tool-3')).rejects.toThrow('Hash Sum mismatch')
      server.clearFaults()
      await apt('source', '--download-only', '--', 'tool-3')
      expect(await readFile(join(work, 'tool-3_1.0-1.tar.gz'), 'utf8')).toBe('tool-3 1.0-1 source\n')
    })
  },
)
