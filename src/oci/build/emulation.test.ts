import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { hostPlatform } from '../platform.ts'
import { runsPrograms } from './emulation.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-binfmt-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** As the kernel shows an emulator of s390x, which numbers are written big end first for. */
async function register(name: string, { state = 'enabled', flags = 'OCPF', kernel = 'enabled' } = {}): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'register'), '')
  await writeFile(join(folder, 'status'), `${kernel}\n`)
  const magic = 'magic 7f454c4602020100000000000000000000020016\nmask ffffffffffffff00fffffffffffffffffffeffff\n'
  await writeFile(join(folder, name), `${state}\ninterpreter /usr/bin/${name}\nflags: ${flags}\noffset 0\n${magic}`)
}

it('the processor of this host needs nobody', async () => {
  expect(await runsPrograms(hostPlatform().architecture, join(folder, 'nowhere'))).toBe(true)
})

it('another one needs an emulator that the kernel knows', async () => {
  expect(await runsPrograms('s390x', join(folder, 'nowhere'))).toBe(false)
  expect(await runsPrograms('s390x', folder)).toBe(false)
  await register('whatever')
  expect(await runsPrograms('s390x', folder)).toBe(true)
  expect(await runsPrograms('riscv64', folder)).toBe(false)
  expect(await runsPrograms('of-no-kind', folder)).toBe(false)
})

it.each([
  ['it is switched off', { state: 'disabled' }],
  ['all are switched off', { kernel: 'disabled' }],
  ['containers do not have it', { flags: 'OC' }],
])('not when %s', async (_, how) => {
  await register('qemu-s390x', how)
  expect(await runsPrograms('s390x', folder)).toBe(false)
})

it('by its name among files it needs no mask: every byte counts then', async () => {
  await register('qemu-s390x')
  const exact = (machine: string) => `enabled\ninterpreter /e\nflags: F\noffset 18\nmagic ${machine}\n`
  await writeFile(join(folder, 'qemu-s390x'), exact('f300'))
  expect(await runsPrograms('riscv64', folder)).toBe(true)
  expect(await runsPrograms('arm64', folder)).toBe(hostPlatform().architecture === 'arm64')
  await writeFile(join(folder, 'qemu-s390x'), 'enabled\ninterpreter /e\nflags: F\nextension .jar\n')
  expect(await runsPrograms('riscv64', folder)).toBe(false)
})
