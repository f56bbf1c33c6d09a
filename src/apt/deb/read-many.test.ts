import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { compress } from '../../../test/fixtures/upstream/index.ts'
import { debInMemory, type DebSource } from './deb-source.ts'
import { readDebFiles } from './read-deb.ts'
import { readFilesOfMany } from './read-many.ts'
import { makeAr, makeTar, type TarItem } from './testing/make-deb.ts'

let folder: string
let stopping: AbortController
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-many-'))
  stopping = new AbortController()
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const xz = (bytes: Buffer): Buffer => compress(bytes, 'xz')
const controlTar = gzipSync(makeTar([{ path: './control', content: 'Package: a\n' }]))

function deb(label: string, data: Buffer, suffix = '.xz'): DebSource {
  const version = { name: 'debian-binary', bytes: Buffer.from('2.0\n') }
  const members = [version, { name: 'control.tar.gz', bytes: controlTar }, { name: `data.tar${suffix}`, bytes: data }]
  return debInMemory(makeAr(members), label)
}

function tarOf(count: number): Buffer {
  const items = Array.from({ length: count }, (_, index): TarItem => ({
    path: `./usr/${index % 97}/${index}`,
    content: 'x'.repeat((index * 7919) % 40_000),
  }))
  return makeTar([{ path: './', type: '5' }, ...items])
}

async function read(debs: DebSource[]): Promise<Map<string, string[]>> {
  const lists = new Map<string, string[]>()
  const onList = async ({ label }: DebSource, paths: string[]): Promise<void> => {
    await Promise.resolve()
    lists.set(label, paths)
  }
  await readFilesOfMany(debs, { folder, signal: stopping.signal, onList })
  return lists
}

test('tells of each what reading it alone tells, however it is packed', async () => {
  const long = `./usr/${'very-'.repeat(60)}long`
  const halves = tarOf(40)
  const debs = [
    deb('one', xz(tarOf(3))),
    deb('empty', xz(makeTar([]))),
    deb('none', xz(Buffer.alloc(0))),
    deb('many', xz(tarOf(300))),
    deb('gz', gzipSync(tarOf(5)), '.gz'),
    deb('plain', tarOf(6), ''),
    deb('long', xz(makeTar([{ path: '././@LongLink', type: 'L', content: `${long}\0` }, { path: './short' }]))),
    deb('two streams', Buffer.concat([xz(halves.subarray(0, 5120)), xz(halves.subarray(5120))])),
    deb('behind a padding', Buffer.concat([xz(tarOf(2)), Buffer.alloc(8)])),
    deb('last', xz(tarOf(20))),
  ]
  const lists = await read(debs)
  for (const one of debs) {
    const alone = await readDebFiles(one, stopping.signal)
    expect(lists.get(one.label), one.label).toEqual(alone)
  }
  expect(lists.get('many')).toHaveLength(300)
  expect(lists.get('two streams')).toHaveLength(40)
  expect(await readdir(folder)).toEqual([])
})

test.each<[string, Buffer, string]>([
  ['a damaged archive', xz(Buffer.from('no tar'.repeat(200))), 'APT_DEB_MALFORMED'],
  ['a tar cut short', xz(tarOf(5).subarray(0, 700)), 'APT_DEB_MALFORMED'],
  ['damaged bytes', Buffer.from(xz(tarOf(5))).fill(7, 40, 60), 'DECOMPRESS_FAILED'],
])('%s among others is told as such', async (_, data, code) => {
  const debs = [deb('good', xz(tarOf(3))), deb('bad', data), deb('other', xz(tarOf(4)))]
  await expect(read(debs)).rejects.toMatchObject({ code, message: expect.stringContaining('bad') as string })
  expect(await readdir(folder)).toEqual([])
})

test('an index that tells less than there is hides nothing', async () => {
  const whole = xz(tarOf(30))
  const small = xz(makeTar([{ path: './usr/shown' }]))
  // Ends as a small stream does, behind a large one.
  const debs = [deb('liar', Buffer.concat([whole, small])), deb('victim', xz(tarOf(2)))]
  const lists = await read(debs)
  expect(lists.get('victim')).toEqual(await readDebFiles(debs[1]!, stopping.signal))
  expect(lists.get('liar')).toEqual(await readDebFiles(debs[0]!, stopping.signal))
})

test('stops when it is told to', async () => {
  stopping.abort()
  await expect(read([deb('one', xz(tarOf(3)))])).rejects.toMatchObject({ code: 'CANCELLED' })
  expect(await readdir(folder)).toEqual([])
})
