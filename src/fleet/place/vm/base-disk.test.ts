import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { silentProgress, systemClock } from '../../../core/index.ts'
import { baseDiskName, baseDiskPath, ensureBaseDisk, forgetBaseDisks, type DiskRequest } from './base-disk.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'larder-base-disks-'))
})
afterEach(() => rm(root, { recursive: true }))

const base = (digit: string) => ({ path: `/bases/${digit}.tar`, digest: `sha256:${digit.repeat(64)}` })
const room = (makeDisk: (request: DiskRequest) => Promise<void>) => ({
  makeDisk,
  progress: silentProgress,
  signal: new AbortController().signal,
})

it('is made of its base once, by whoever comes first', async () => {
  const requests: DiskRequest[] = []
  const make = async (request: DiskRequest): Promise<void> => {
    requests.push(request)
    await writeFile(request.outputFile, 'disk')
  }
  await Promise.all([1, 2, 3].map(() => ensureBaseDisk(root, base('a'), room(make))))
  expect(requests.map(({ archives }) => archives[0])).toEqual(['/bases/a.tar'])
  expect(await readdir(join(root, 'disks'))).toEqual([baseDiskName(base('a'))])
})

it('that could not be made leaves nothing behind, and is made by who comes next', async () => {
  const fail = async ({ outputFile }: DiskRequest): Promise<void> => {
    await writeFile(outputFile, 'half')
    throw new Error('no room')
  }
  await expect(ensureBaseDisk(root, base('a'), room(fail))).rejects.toThrow('no room')
  expect(await readdir(join(root, 'disks'))).toEqual([])
  await ensureBaseDisk(
    root,
    base('a'),
    room(async ({ outputFile }) => writeFile(outputFile, 'disk')),
  )
  expect(await readdir(join(root, 'disks'))).toHaveLength(1)
})

it('goes a day after it was made, when no machine is laid over it', async () => {
  const make = async ({ outputFile }: DiskRequest): Promise<void> => writeFile(outputFile, 'disk')
  for (const digit of ['a', 'b', 'c']) await ensureBaseDisk(root, base(digit), room(make))
  const names = ['a', 'b', 'c'].map((digit) => baseDiskName(base(digit)))
  const twoDaysAgo = new Date(Date.now() - 2 * 24 * 3_600_000)
  for (const name of names.slice(0, 2)) await utimes(baseDiskPath(root, name), twoDaysAgo, twoDaysAgo)
  await forgetBaseDisks(root, new Set([names[0] ?? '']), systemClock)
  expect(new Set(await readdir(join(root, 'disks')))).toEqual(new Set([names[0], names[2]]))
})

it('where there are none, none goes', async () => {
  await forgetBaseDisks(root, new Set(), systemClock)
  expect(await readdir(root)).toEqual([])
})
