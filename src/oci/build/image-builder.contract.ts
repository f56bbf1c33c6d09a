import { copyFile, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isLarderError, type LarderError } from '../../core/index.ts'
import { hostPlatform } from '../platform.ts'
import { makeArchive } from '../testing/archive.ts'
import { expectNoProcess } from '../testing/processes.ts'
import { readImage } from '../testing/read-image.ts'
import type { BuildRequest, ImageBuilder } from './image-builder.ts'

/** An engine that is judged, and where it may write. */
export interface BuilderUnderTest {
  builder: ImageBuilder
  folder: string
  /** Has the engine forget what it built: nothing of it may be taken from its cache. */
  forget: () => Promise<void>
}

const commitTime = new Date('2026-03-04T05:06:07Z')
const shell = 'FROM scratch\nCOPY busybox /bin/sh\nCOPY busybox /bin/busybox\n'
let count = 0

/** A request over a folder of these files, and a shell. */
export async function requestOf(
  folder: string,
  files: Readonly<Record<string, string | Buffer>>,
  more: Partial<BuildRequest> = {},
): Promise<BuildRequest & { lines: string[] }> {
  const own = join(folder, `build-${++count}`)
  const contextFolder = join(own, 'context')
  await mkdir(contextFolder, { recursive: true })
  await copyFile('/bin/busybox', join(contextFolder, 'busybox'))
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(contextFolder, path)), { recursive: true })
    await writeFile(join(contextFolder, path), content)
  }
  await mkdir(join(own, 'layout'))
  const lines: string[] = []
  return {
    contextFolder,
    dockerfile: 'Dockerfile',
    buildArgs: {},
    labels: {},
    sourceDateEpoch: commitTime,
    limits: { timeoutMs: 120_000, logBytes: 100_000 },
    network: 'none',
    cacheFolder: join(folder, 'cache'),
    outputFolder: join(own, 'layout'),
    log: (line) => lines.push(line),
    lines,
    signal: new AbortController().signal,
    ...more,
  }
}

/** What every engine must do. Each case builds for itself. */
export function judgeImageBuilder(open: () => BuilderUnderTest): void {
  const ask = (files: Readonly<Record<string, string | Buffer>>, more?: Partial<BuildRequest>) =>
    requestOf(open().folder, files, more)
  const refusalOf = async (request: BuildRequest): Promise<LarderError> => {
    const error: unknown = await open()
      .builder.build(request)
      .catch((thrown: unknown) => thrown)
    if (!isLarderError(error)) throw new Error('It was built.', { cause: error })
    return error
  }

  describe('what is built', () => {
    it('several stages, arguments, a target, labels, without what is ignored: a whole layout, dated by the commit', async () => {
      const tools = shell.replace('FROM scratch', 'FROM scratch AS tools')
      const rest = 'FROM $from AS final\nCOPY --from=tools /word /word\nENV A=b\nFROM final\nCOPY other /never\n'
      const dockerfile = `ARG from=scratch\n${tools}ARG word=none\nCOPY . /all/\nRUN echo "$word" > /word; echo /all/*\n${rest}`
      const request = await ask(
        { Dockerfile: dockerfile, seen: 'x', hidden: 'x', '.dockerignore': 'hid*\n' },
        { buildArgs: { word: 'given' }, target: 'final', labels: { z: '1', a: '$2 "x"' } },
      )
      const { manifest } = await open().builder.build(request)
      const image = await readImage(request.outputFolder, manifest.digest)
      expect(image.config).toMatchObject({
        created: '2026-03-04T05:06:07Z',
        config: { Labels: { z: '1', a: '$2 "x"' }, Env: expect.arrayContaining(['A=b']) as string[] },
      })
      const said = request.lines.find((line) => line.startsWith('/all/'))
      expect(said).toContain('seen')
      expect(said).not.toContain('hidden')
      expect(image.layers).toBe(1)
    })

    it('the same commit is the same digest: elsewhere, later, and with what an earlier commit left in the cache', async () => {
      const dockerfile = `${shell}RUN echo tools > /tools\nCOPY page /page\nRUN echo more > /more\n`
      const labels = { revision: 'two' }
      const first = await ask({ Dockerfile: dockerfile, page: 'one' }, { labels: { revision: 'one' } })
      const sourceDateEpoch = new Date('2026-04-05T06:07:08Z')
      const second = () => ask({ Dockerfile: dockerfile, page: 'two' }, { labels, sourceDateEpoch })
      const before = await open().builder.build(first)
      const warm = await open().builder.build(await second())
      await open().forget()
      const cacheFolder = join(open().folder, 'another-cache')
      const cold = await open().builder.build({ ...(await second()), cacheFolder })
      expect(cold.manifest).toEqual(warm.manifest)
      expect(cold.manifest.digest).not.toBe(before.manifest.digest)
    })

    it('for another platform: the image says so, though one for this host was built of the same, and is the same each time', async () => {
      const files = { Dockerfile: 'FROM scratch\nARG TARGETARCH\nCOPY page /page\nENV FOR=$TARGETARCH\n', page: 'x' }
      const build = async (more: Partial<BuildRequest>) => {
        const request = await ask(files, more)
        const { manifest, platform } = await open().builder.build(request)
        return {
          digest: manifest.digest,
          platform,
          config: (await readImage(request.outputFolder, manifest.digest)).config,
        }
      }
      const host = hostPlatform()
      expect(await build({})).toMatchObject({ platform: host, config: { architecture: host.architecture } })
      const platform = { os: 'linux', architecture: 's390x' }
      const there = await build({ platform: 'linux/s390x' })
      const config = { Env: expect.arrayContaining(['FOR=s390x']) as string[] }
      expect(there).toMatchObject({ platform, config: { ...platform, config } })
      expect(await build({})).toMatchObject({ platform: host, config: { architecture: host.architecture } })
      await open().forget()
      const cold = await build({ platform: 'linux/s390x', cacheFolder: join(open().folder, 'cold-cache') })
      expect(cold.digest).toBe(there.digest)
    })

    it('entries of an archive that lead out of the image stay in it', async () => {
      const name = `larder-escape-${process.pid}`
      const evil = await makeArchive([
        { name: `../../../../../../../../tmp/${name}`, content: 'out' },
        { name: `/tmp/${name}`, content: 'out' },
        { name: 'way', type: 'symlink', linkname: '/tmp' },
        { name: `way/${name}`, content: 'out' },
      ])
      const request = await ask({ Dockerfile: `${shell}ADD evil.tar /in/\n`, 'evil.tar': evil })
      // Whether it is refused is the engine's; that it does not reach the host is ours.
      await open()
        .builder.build(request)
        .catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'BUILD_FAILED' })
        })
      expect(await readdir('/tmp')).not.toContain(name)
    })

    it('a link of the context that leads out brings nothing of the host', async () => {
      const request = await ask({ Dockerfile: `${shell}COPY way /way\nRUN /bin/busybox cat /way\n` })
      await symlink('/etc/hostname', join(request.contextFolder, 'way'))
      const host = (await readFile('/etc/hostname', 'utf8')).trim()
      await open()
        .builder.build(request)
        .catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'BUILD_FAILED' })
        })
      expect(request.lines).not.toContain(host)
    })

    it.each([
      { network: 'none' as const, others: false },
      { network: 'host' as const, others: true },
    ])('network $network', async ({ network, others }) => {
      const request = await ask({ Dockerfile: `${shell}RUN : ${count}; /bin/busybox cat /proc/net/dev\n` }, { network })
      await open().builder.build(request)
      const devices = request.lines.flatMap((line) => /^\s*([\w.-]+):\s+\d+ /.exec(line)?.[1] ?? [])
      expect(devices).toContain('lo')
      expect(devices.some((device) => device !== 'lo')).toBe(others)
    })
  })

  describe('what is kept for later builds', () => {
    const prune = (cacheFolder: string, maxBytes: number): Promise<number> | undefined =>
      open().builder.prune?.({ cacheFolder, maxBytes, signal: new AbortController().signal })

    it('goes beyond its bound, what was not used for longest first, and is made again alike', async ({ skip }) => {
      skip(open().builder.prune === undefined, 'the engine sees to it by itself')
      const cacheFolder = join(open().folder, 'bounded-cache')
      const build = async (name: string): Promise<{ digest: string; cached: number }> => {
        const big = `RUN /bin/busybox dd if=/dev/zero of=/${name} bs=1M count=40\n`
        const request = await ask({ Dockerfile: `${shell}${big}` }, { cacheFolder })
        const { manifest } = await open().builder.build(request)
        return { digest: manifest.digest, cached: request.lines.filter((line) => line.includes('Using cache')).length }
      }
      const [older, newer] = [await build('older'), await build('newer')]
      expect(await prune(cacheFolder, 200e6)).toBe(0)
      expect(await prune(cacheFolder, 70e6)).toBe(1)
      const [kept, made] = [await build('newer'), await build('older')]
      expect([kept.digest, made.digest]).toEqual([newer.digest, older.digest])
      expect(kept.cached).toBe(made.cached + 1)
      expect(await prune(cacheFolder, 0)).toBe(2)
      expect(await prune(cacheFolder, 0)).toBe(0)
    })

    it('is left alone while something is built', async ({ skip }) => {
      skip(open().builder.prune === undefined, 'the engine sees to it by itself')
      const cacheFolder = join(open().folder, 'bounded-cache')
      let pruned: Promise<number> | undefined
      const log = (line: string): void => {
        if (line === 'begun') pruned = prune(cacheFolder, 0)
      }
      const request = await ask({ Dockerfile: `${shell}RUN echo begun; /bin/busybox sleep 1\n` }, { cacheFolder, log })
      await open().builder.build(request)
      expect(await pruned).toBe(0)
      expect(await prune(cacheFolder, 0)).toBe(1)
    })
  })

  describe('what is refused', () => {
    it('a failing instruction: file, line, instruction, status and last words, without secrets', async () => {
      const dockerfile = `# a comment\n${shell}\nRUN echo fine\nRUN echo "hunter2 oh no"; \\\n  # why\n  exit 7\n`
      const mask = (line: string): string => line.replaceAll('hunter2', '***')
      const request = await ask({ Dockerfile: dockerfile }, { mask })
      const error = await refusalOf(request)
      expect(error).toMatchObject({ code: 'BUILD_FAILED', context: { dockerfile: 'Dockerfile', line: 7, exitCode: 7 } })
      expect(error.message).toMatch(/^Dockerfile:7: RUN echo .* it ended with status 7\.$/)
      expect(error.context['lastLines']).toContain('*** oh no')
      expect(JSON.stringify([error.message, error.context, request.lines])).not.toContain('hunter2')
    })

    it('what COPY does not find', async () => {
      const error = await refusalOf(await ask({ Dockerfile: `${shell}COPY nowhere /x\n` }))
      expect(error).toMatchObject({ code: 'BUILD_FAILED', context: { line: 4 } })
      expect(error.message).toMatch(/nowhere/)
    })

    it('a build that never ends, with all that it has started', async () => {
      const seconds = String(100_000 + process.pid)
      const sleep = `/bin/busybox sleep ${seconds}`
      const limits = { timeoutMs: 8_000, logBytes: 10_000 }
      const files = { Dockerfile: `${shell}RUN (/bin/busybox setsid ${sleep} &) ; ${sleep}\n` }
      const error = await refusalOf(await ask(files, { limits }))
      expect(error).toMatchObject({ code: 'BUILD_TIMEOUT' })
      await expectNoProcess(`sleep ${seconds}`)
    })

    it('one that is cancelled', async () => {
      const seconds = String(200_000 + process.pid)
      const stop = new AbortController()
      const request = await ask(
        { Dockerfile: `${shell}RUN echo begun; /bin/busybox sleep ${seconds}\n` },
        {
          signal: stop.signal,
          log: (line) => {
            if (line === 'begun') stop.abort()
          },
        },
      )
      expect(await refusalOf(request)).toMatchObject({ code: 'CANCELLED' })
      await expectNoProcess(`sleep ${seconds}`)
    })

    it('too much memory', async () => {
      const limits = { timeoutMs: 120_000, logBytes: 10_000, memoryBytes: 150e6 }
      const files = { Dockerfile: `${shell}RUN /bin/busybox dd if=/dev/zero of=/dev/null bs=1000M count=1\n` }
      const error = await refusalOf(await ask(files, { limits }))
      expect(['BUILD_LIMIT', 'BUILD_FAILED']).toContain(error.code)
      expect(error.context).toMatchObject({ line: 4 })
    })

    it('more of the processors than it may have', async () => {
      const limits = { timeoutMs: 120_000, logBytes: 10_000, cpus: 0.2 }
      const spin = '/bin/busybox time -p /bin/busybox timeout 4 /bin/sh -c "while :; do :; done" || /bin/busybox true'
      const request = await ask({ Dockerfile: `${shell}RUN ${spin}\n` }, { limits })
      await open().builder.build(request)
      const seconds = (name: string): number =>
        Number(request.lines.flatMap((line) => new RegExp(`^${name} ([\\d.]+)$`).exec(line)?.[1] ?? [])[0])
      // However busy the host is, it can only have been less.
      expect((seconds('user') + seconds('sys')) / seconds('real')).toBeLessThan(0.5)
    })

    it('too much on the disk', async () => {
      const limits = { timeoutMs: 120_000, logBytes: 10_000, diskBytes: 50e6 }
      const files = {
        Dockerfile: `${shell}RUN /bin/busybox dd if=/dev/zero of=/big bs=1M count=1500; /bin/busybox sleep 60\n`,
      }
      expect(await refusalOf(await ask(files, { limits }))).toMatchObject({ code: 'BUILD_LIMIT', context: { line: 4 } })
    })

    it('more log than it may: cut with a note, and what is kept is bounded', async () => {
      const limits = { timeoutMs: 120_000, logBytes: 20_000 }
      const dockerfile = `${shell}RUN /bin/busybox yes a-line-of-log | /bin/busybox head -c 20000000; /bin/busybox head -c 9000000 /dev/zero\n`
      const request = await ask({ Dockerfile: dockerfile }, { limits })
      await open().builder.build(request)
      expect(request.lines.join('\n').length).toBeLessThan(21_000)
      expect(request.lines.at(-1)).toMatch(/left out/)
    })
  })
}
