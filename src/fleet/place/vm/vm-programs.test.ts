import { expect, it } from 'vitest'
import { lackingPrograms } from './vm-programs.ts'

it('names all that this host lacks, and the packages that bring it', async () => {
  const found = ['mke2fs', 'ip', 'ssh', 'qemu-img']
  expect(await lackingPrograms(async (name) => (found.includes(name) ? `/usr/bin/${name}` : undefined))).toEqual({
    message: 'No virtual machine can be made here: this host has no qemu-system-x86_64, grub-mkimage.',
    hint: 'apt-get install qemu-system-x86 grub-common grub-pc-bin',
  })
})

it('lacks nothing where all is there', async () => {
  expect(await lackingPrograms(async (name) => `/usr/bin/${name}`)).toBeUndefined()
})
