import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { hexOf, isLarderError } from '../../src/core/index.ts'
import { indexPaths, openOwn, type OwnFormat } from '../fixtures/own-packages/open-own.ts'

const rounds = Number(process.env['LARDER_OWN_KILLS'] ?? 30)
const script = new URL('../fixtures/own-packages/change-until-killed.ts', import.meta.url).pathname
const formats: OwnFormat[] = ['apt', 'rpm']

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-own-'))
})
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))

it.each(formats)(
  `%s: after kill -9 at ${rounds} moments of add and remove, what was acknowledged is there whole, and nothing else`,
  async (format) => {
    const names = new Set<string>()
    let changes = 0
    for (let round = 0; round < rounds; round++) {
      const said = await changeAndKill(format, round)
      changes += said.filter(({ mark }) => mark === '!').length
      for (const { mark, sign, name } of said) if (mark === '!') apply(names, sign, name)
      const last = said.at(-1)
      const own = await openOwn(folder, format)
      try {
        await own.packages.removeLeftovers()
        const held = (await own.list()).map(({ name }) => name)
        // Killed between the moment that counts and its acknowledgement, the last may have been done.
        if (last?.mark === '?' && held.includes(last.name) === (last.sign === '+')) apply(names, last.sign, last.name)
        expect(held.sort()).toEqual([...names].sort())
        expect(await damageOf(own, format, join(folder, 'own/mine'))).toEqual([])
      } finally {
        await own.close()
      }
    }
    expect(changes).toBeGreaterThan(0)
  },
)

it.skipIf(process.getuid?.() !== 0).each(formats)(
  '%s: on a full disk, add and remove say so and change nothing; with room they work (needs root to mount it)',
  async (format) => {
    const disk = join(folder, 'disk')
    await mkdir(disk)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'larder-own', disk])
    const own = await openOwn(folder, format, join(disk, 'own'))
    const outcomes = new Set<string>()
    try {
      await own.add('kept')
      for (const roomKib of [0, 4, 8, 64, 128, 160, 200, 240, 256, 260, 264, 268, 280, 2000]) {
        for (const [sign, name] of [
          ['+', 'new'],
          ['-', 'new'],
        ] as const) {
          const before = await own.list()
          await fill(disk, roomKib)
          const change = (): Promise<unknown> => (sign === '+' ? own.add(name) : own.remove(name))
          const failure = await change().then(
            () => undefined,
            (error: unknown) => error,
          )
          if (failure !== undefined) {
            expect(isLarderError(failure, 'DISK_FULL'), (failure as Error).message).toBe(true)
            expect(await own.list()).toEqual(before)
            expect((await readdir(join(disk, 'own/mine'))).filter((one) => one.startsWith('.'))).toEqual([])
          }
          outcomes.add(`${sign} ${failure === undefined ? 'done' : 'full'}`)
          expect(await damageOf(own, format, join(disk, 'own/mine'), 'begun')).toEqual([])
          await rm(join(disk, 'filler'))
          if (failure !== undefined) await change()
          expect((await own.list()).map((one) => one.name)).toEqual(sign === '+' ? ['kept', 'new'] : ['kept'])
        }
      }
    } finally {
      await own.close()
      // Lazily: where the test failed, files of it are still open.
      execFileSync('umount', ['--lazy', disk])
    }
    expect([...outcomes].sort()).toEqual(['+ done', '+ full', '- done', '- full'])
  },
)

interface Said {
  mark: '?' | '!'
  sign: string
  name: string
}

function apply(names: Set<string>, sign: string, name: string): void {
  if (sign === '+') names.add(name)
  else names.delete(name)
}

async function changeAndKill(format: OwnFormat, round: number): Promise<Said[]> {
  const child = spawn(process.execPath, [script, folder, format, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') },
  })
  const exited = once(child, 'exit').then(() => Promise.reject(new Error('it ended by itself')))
  exited.catch(() => undefined)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const closed = once(child.stdout, 'close')
  try {
    while (!output.startsWith('ready')) await Promise.race([once(child.stdout, 'data'), exited])
    // After so many changes, somewhere within the next.
    const enough = Math.floor(Math.random() * 4)
    while (output.split('!').length - 1 < enough) await Promise.race([once(child.stdout, 'data'), exited])
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 60))
  } finally {
    child.kill('SIGKILL')
    await closed
  }
  const lines = output.slice(0, output.lastIndexOf('\n')).split('\n').slice(1)
  return lines.map((line) => {
    const [mark, sign = '', name = ''] = line.split(' ')
    return { mark: mark as Said['mark'], sign, name }
  })
}

/** Of the revision that counts: a package that is not what was added, an index that names others. `begun`: of others too. */
async function damageOf(
  own: Awaited<ReturnType<typeof openOwn>>,
  format: OwnFormat,
  place: string,
  others: 'begun' | 'none' = 'none',
): Promise<string[]> {
  const packages = await own.list()
  const upstream = await own.packages.upstream('mine')
  const revisions = await readdir(place).catch(() => [])
  const found = others === 'none' && revisions.length > 2 ? [`too much is left: ${revisions.join()}`] : []
  if (upstream === undefined) return found
  const revision = new URL(String(upstream.config['url'])).pathname
  for (const { fileName, digest } of packages) {
    const hex = createHash('sha256')
      .update(await readFile(join(revision, fileName)))
      .digest('hex')
    if (hex !== hexOf(digest)) found.push(`${fileName} has other bytes`)
  }
  const index = await readFile(join(revision, indexPaths[format]), 'utf8')
  const named = [...index.matchAll(/(?:^Filename: \.\/|<location href=")([^"\n]+)/gm)].map(([, path]) => path!)
  const expected = packages.map(({ fileName }) => fileName)
  if (named.sort().join() !== expected.sort().join()) found.push(`the index names ${named.join()}`)
  return found
}

async function fill(disk: string, roomKib: number): Promise<void> {
  const { bavail, bsize } = await statfs(disk)
  await writeFile(join(disk, 'filler'), Buffer.alloc(Math.max(0, bavail * bsize - roomKib * 1024), 1))
}
