import { writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { namesIn } from '../../../core/index.ts'
import {
  readVmRecord,
  removeVmFolder,
  usedBases,
  vmFolder,
  vmSshPort,
  writeVmRecord,
  type VmRecord,
} from './vm-folder.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'larder-vms-'))
})
afterEach(() => rm(root, { recursive: true }))

const record: VmRecord = { site: 'campus', machine: 'web-1', identity: 'one', base: 'b.qcow2' }
const named = { site: 'campus', name: 'web-1' }

it('knows what it wrote, and nothing of what is not there', async () => {
  expect(await readVmRecord(root, named)).toBeUndefined()
  await writeVmRecord(root, record)
  expect(await readVmRecord(root, named)).toEqual(record)
  expect(await vmSshPort(root, 'web-1')).toBeUndefined()
  await writeVmRecord(root, {
    ...record,
    started: { args: [], cards: [], sshPort: 40_022, isEmulated: true, isReady: true },
  })
  expect(await vmSshPort(root, 'web-1')).toBe(40_022)
})

it.each([
  ['of another site', () => writeVmRecord(root, { ...record, site: 'other' })],
  ['a folder of somebody’s', () => fill('notes.txt', 'mine')],
  ['what cannot be read', () => fill('machine.json', '{')],
  ['what says nothing', () => fill('machine.json', 'null')],
])('is not ours: %s', async (_, make) => {
  await make()
  expect(await readVmRecord(root, named)).toBe('foreign')
})

it('a folder that was made, and nothing more, is no machine yet', async () => {
  await mkdir(vmFolder(root, 'web-1').folder, { recursive: true })
  expect(await readVmRecord(root, named)).toBeUndefined()
})

it('nor is one whose first record was being written', async () => {
  await fill('machine.json.0b5d6ca8-6f9b-4d6e-9a3c-3f6d0d1b2a11.new', '{"si')
  expect(await readVmRecord(root, named)).toBeUndefined()
  await writeVmRecord(root, record)
  expect(await readVmRecord(root, named)).toEqual(record)
})

it('removes a machine alone, and what an earlier process has left', async () => {
  await writeVmRecord(root, record)
  await writeVmRecord(root, { ...record, machine: 'web-2', base: 'c.qcow2' })
  await mkdir(join(root, 'removed', 'left', 'much'), { recursive: true })
  await removeVmFolder(root, 'web-1')
  expect(await readVmRecord(root, named)).toBeUndefined()
  expect(await usedBases(root)).toEqual(new Set(['c.qcow2']))
  expect(await namesIn(join(root, 'removed'))).toEqual([])
})

it('removes many at once, and leaves the folder that they are brought to', async () => {
  const names = Array.from({ length: 60 }, (_, index) => `web-${index}`)
  for (const name of names) {
    const { folder } = vmFolder(root, name)
    await mkdir(folder, { recursive: true })
    for (const file of names.slice(0, 10)) writeFileSync(join(folder, file), '')
  }
  await Promise.all(names.map((name) => removeVmFolder(root, name)))
  expect(await readdir(join(root, 'machines'))).toEqual([])
  expect(await readdir(join(root, 'removed'))).toEqual([])
})

it('its socket has a path that Linux takes, wherever its folder is', () => {
  const near = vmFolder('/var/lib/larder/machines/vms', 'a'.repeat(63))
  expect(near.controlSocket).toBe(join(near.folder, 'qmp'))
  const far = vmFolder(`/srv/${'b'.repeat(60)}`, 'a'.repeat(63))
  expect(Buffer.byteLength(far.controlSocket)).toBeLessThan(108)
  expect(far.controlSocket).not.toContain(far.folder)
})

async function fill(name: string, text: string): Promise<void> {
  const { folder } = vmFolder(root, 'web-1')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, name), text)
}
