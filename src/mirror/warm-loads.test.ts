import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { systemClock } from '../core/index.ts'
import type { FormatContext } from './format.ts'
import { tidyCacheFolder, WarmLoads } from './warm-loads.ts'

const fresh = (freshForMs: number): FormatContext => ({ freshForMs }) as FormatContext

it('loads again what is not fresh, with what it had, unless the settings have changed or it is damaged', async () => {
  const loads: [string, string | undefined][] = []
  let damaged = ''
  const warm = new WarmLoads({
    clock: systemClock,
    settingsOf: ({ suite }: { name: string; suite: string }) => suite,
    isSound: (loaded: string) => loaded !== damaged,
    load: (_context, { suite }, earlier: string | undefined) => {
      loads.push([suite, earlier])
      return Promise.resolve(`${suite} ${loads.length}`)
    },
  })
  const request = { name: 'base', suite: 'a' }
  expect(await warm.load(fresh(0), request)).toBe('a 1')
  expect(await warm.load(fresh(Infinity), request)).toBe('a 1')
  expect(await Promise.all([warm.load(fresh(0), request), warm.load(fresh(Infinity), request)])).toEqual(['a 2', 'a 2'])
  expect(await warm.load(fresh(Infinity), { ...request, suite: 'b' })).toBe('b 3')
  damaged = 'b 3'
  expect(await warm.load(fresh(Infinity), { ...request, suite: 'b' })).toBe('b 4')
  expect(loads).toEqual([
    ['a', undefined],
    ['a', 'a 1'],
    ['b', undefined],
    ['b', undefined],
  ])
  expect(warm.loaded()).toEqual(['b 4'])
})

it('removes from a cache folder what is old and not in use', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'larder-cache-'))
  try {
    const key = (digit: string): string => digit.repeat(64)
    const now = new Date()
    const old = new Date(now.getTime() - 25 * 3600_000)
    for (const name of [`old-${key('a')}`, `used-${key('b')}`, `new-${key('c')}`]) {
      await writeFile(join(folder, name), '')
      if (!name.startsWith('new')) await utimes(join(folder, name), old, old)
    }
    await mkdir(join(folder, 'rpm'))
    await utimes(join(folder, 'rpm'), old, old)
    await tidyCacheFolder(folder, { used: new Set([key('b')]), now })
    expect((await readdir(folder)).sort()).toEqual([`new-${key('c')}`, 'rpm', `used-${key('b')}`])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
