import { findProgram } from '../../network/daemon/program.ts'

/** Programs that machines and their disks are made with, and the packages of Debian that bring them. */
const programs = {
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-img': 'qemu-utils',
  mke2fs: 'e2fsprogs',
  'grub-mkimage': 'grub-common grub-pc-bin',
  ip: 'iproute2',
  ssh: 'openssh-client',
}

/** What this host lacks for virtual machines, all of it, and how it is mended; undefined: nothing. */
export async function lackingPrograms(
  find: (name: string) => Promise<string | undefined> = findProgram,
): Promise<{ message: string; hint: string } | undefined> {
  const found = await Promise.all(Object.keys(programs).map(async (name) => ({ name, path: await find(name) })))
  const lacking = found.flatMap(({ name, path }) => (path === undefined ? [name as keyof typeof programs] : []))
  if (lacking.length === 0) return undefined
  return {
    message: `No virtual machine can be made here: this host has no ${lacking.join(', ')}.`,
    hint: `apt-get install ${lacking.map((name) => programs[name]).join(' ')}`,
  }
}
