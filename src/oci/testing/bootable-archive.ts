import type { ArchiveEntry } from './archive.ts'

/** The beginning of a Linux for x86, as far as anybody looks at it who does not start it. */
export function fakeKernel(release: string): Buffer {
  const kernel = Buffer.alloc(20_000)
  kernel.write('HdrS', 0x202, 'latin1')
  kernel.writeUInt16LE(0x1000, 0x20e)
  kernel.write(`${release} (nobody@example.org) #1 SMP\0`, 0x1200, 'latin1')
  return kernel
}

export const fakeInitrd = Buffer.concat([Buffer.from('1f8b08', 'hex'), Buffer.alloc(3000, 7)])

/** What has every part that is looked for, and starts nothing. */
export const bootableEntries: readonly ArchiveEntry[] = [
  { name: 'usr', type: 'directory' },
  { name: 'usr/sbin', type: 'directory' },
  { name: 'sbin', type: 'symlink', linkname: 'usr/sbin' },
  { name: 'usr/sbin/init', mode: 0o755, content: '#!/bin/sh\n' },
  { name: 'usr/lib/os-release', content: 'PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\n' },
  { name: 'etc/os-release', type: 'symlink', linkname: '../usr/lib/os-release' },
  { name: 'boot/vmlinuz-6.1.0-9-amd64', content: fakeKernel('6.1.0-9-amd64') },
  { name: 'boot/initrd.img-6.1.0-9-amd64', content: fakeInitrd },
]
