import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ArchiveEntry } from '../../testing/archive.ts'
import { bootableEntries, fakeInitrd, fakeKernel } from '../../testing/bootable-archive.ts'
import { makeTree } from '../../testing/make-tree.ts'
import { findBootParts, type MissingPart } from './boot-parts.ts'
import { refuseUnbootable } from './refuse-unbootable.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-boot-'))
})
afterEach(() => rm(folder, { recursive: true }))

const without = (...names: RegExp[]): ArchiveEntry[] =>
  bootableEntries.filter(({ name }) => !names.some((pattern) => pattern.test(name)))
const init: ArchiveEntry = { name: 'sbin/init', mode: 0o755, content: 'x' }
const builtin = (...modules: string[]): ArchiveEntry => ({
  name: 'lib/modules/6.1.0-9-amd64/modules.builtin',
  content: modules.map((name) => `kernel/drivers/${name}.ko\n`).join(''),
})

describe('findBootParts', () => {
  it.each<[string, ArchiveEntry[], { kernelPath: string; initrdPath?: string; release: string }]>([
    [
      'Debian',
      [...bootableEntries],
      {
        kernelPath: '/boot/vmlinuz-6.1.0-9-amd64',
        initrdPath: '/boot/initrd.img-6.1.0-9-amd64',
        release: '6.1.0-9-amd64',
      },
    ],
    [
      'Debian, by the links that its packages move',
      [
        ...bootableEntries,
        { name: 'vmlinuz', type: 'symlink', linkname: 'boot/vmlinuz-6.1.0-9-amd64' },
        { name: 'initrd.img', type: 'symlink', linkname: 'boot/initrd.img-6.1.0-9-amd64' },
      ],
      { kernelPath: '/vmlinuz', initrdPath: '/initrd.img', release: '6.1.0-9-amd64' },
    ],
    [
      'the newest of several, links to an older one left alone',
      [
        ...bootableEntries,
        { name: 'boot/vmlinuz-6.1.0-10-amd64', content: fakeKernel('6.1.0-10-amd64') },
        { name: 'boot/initrd.img-6.1.0-10-amd64', content: fakeInitrd },
        { name: 'vmlinuz', type: 'symlink', linkname: 'boot/vmlinuz-6.1.0-9-amd64' },
        { name: 'initrd.img', type: 'symlink', linkname: 'boot/initrd.img-6.1.0-9-amd64' },
      ],
      {
        kernelPath: '/boot/vmlinuz-6.1.0-10-amd64',
        initrdPath: '/boot/initrd.img-6.1.0-10-amd64',
        release: '6.1.0-10-amd64',
      },
    ],
    [
      'one with an initrd before a newer one without',
      [...bootableEntries, { name: 'boot/vmlinuz-7.0', content: fakeKernel('7.0') }],
      {
        kernelPath: '/boot/vmlinuz-6.1.0-9-amd64',
        initrdPath: '/boot/initrd.img-6.1.0-9-amd64',
        release: '6.1.0-9-amd64',
      },
    ],
    [
      'Fedora',
      [
        init,
        { name: 'lib/modules/6.5.6-300.fc39.x86_64/vmlinuz', content: fakeKernel('6.5.6-300.fc39.x86_64') },
        { name: 'boot/initramfs-6.5.6-300.fc39.x86_64.img', content: fakeInitrd },
      ],
      {
        kernelPath: '/lib/modules/6.5.6-300.fc39.x86_64/vmlinuz',
        initrdPath: '/boot/initramfs-6.5.6-300.fc39.x86_64.img',
        release: '6.5.6-300.fc39.x86_64',
      },
    ],
    [
      'Alpine',
      [
        init,
        { name: 'boot/vmlinuz-virt', content: fakeKernel('6.6.1-0-virt') },
        { name: 'boot/initramfs-virt', content: fakeInitrd },
      ],
      { kernelPath: '/boot/vmlinuz-virt', initrdPath: '/boot/initramfs-virt', release: '6.6.1-0-virt' },
    ],
    [
      'a kernel that has in itself what it needs',
      [...without(/initrd/), builtin('ext4', 'virtio_blk')],
      { kernelPath: '/boot/vmlinuz-6.1.0-9-amd64', release: '6.1.0-9-amd64' },
    ],
  ])('finds what starts %s', async (_, entries, expected) => {
    const initPath = '/sbin/init'
    expect(await findBootParts(await makeTree(folder, entries))).toEqual({
      initrdPath: undefined,
      initPath,
      ...expected,
    })
  })

  it.each<[string, ArchiveEntry[], MissingPart['part'][]]>([
    ['nothing', [], ['kernel', 'init']],
    ['an application', [{ name: 'app/run', mode: 0o755, content: 'x' }], ['kernel', 'init']],
    ['no kernel', without(/vmlinuz/), ['kernel']],
    [
      'a kernel for others',
      [...without(/vmlinuz/), { name: 'boot/vmlinuz-6.1', content: 'MZ' + 'x'.repeat(1000) }],
      ['kernel'],
    ],
    ['a kernel that is a folder', [...without(/vmlinuz/), { name: 'boot/vmlinuz-6.1/x', content: '' }], ['kernel']],
    [
      'a kernel that leads out',
      [...without(/vmlinuz/), { name: 'boot/vmlinuz', type: 'symlink', linkname: '/../../etc/passwd' }],
      ['kernel'],
    ],
    ['no initrd', without(/initrd/), ['initrd']],
    ['an empty initrd', [...without(/initrd/), { name: 'boot/initrd.img-6.1.0-9-amd64', content: '' }], ['initrd']],
    [
      'an initrd of another release',
      [...without(/initrd/), { name: 'boot/initrd.img-6.1.0-8-amd64', content: fakeInitrd }],
      ['initrd'],
    ],
    ['a kernel without its disk', [...without(/initrd/), builtin('ext4')], ['initrd']],
    ['no init', without(/init$/), ['init']],
    ['an init that cannot run', [...without(/init$/), { name: 'usr/sbin/init', mode: 0o644, content: 'x' }], ['init']],
    [
      'an init that leads nowhere',
      [...without(/init$/), { name: 'usr/sbin/init', type: 'symlink', linkname: '/lib/systemd/systemd' }],
      ['init'],
    ],
  ])('names what is missing where there is %s', async (_, entries, expected) => {
    const found = await findBootParts(await makeTree(folder, entries))
    expect(Array.isArray(found) ? found.map(({ part }) => part) : found).toEqual(expected)
  })
})

describe('refuseUnbootable', () => {
  it.each([
    ['ID=debian\n', /Install linux-image-amd64 .*initramfs-tools.*systemd-sysv/],
    ['ID="rocky"\nID_LIKE="rhel centos fedora"\n', /Install kernel-core, dracut, systemd in/],
    ['NAME=x\nID=alpine\n', /Install linux-virt, mkinitfs, openrc in/],
    ['ID=constructor\n', /Add them in the Dockerfile/],
  ])('knows the packages of %j', async (osRelease, hint) => {
    const tree = await makeTree(folder, [{ name: 'etc/os-release', content: osRelease }])
    const missing = (['kernel', 'initrd', 'init'] as const).map((part) => ({ part, why: `no ${part}` }))
    const error: unknown = await refuseUnbootable(tree, missing, 'The image').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'DISK_IMAGE_UNBOOTABLE',
      message: 'The image cannot start a machine. Missing: kernel (no kernel); initrd (no initrd); init (no init).',
      hint: expect.stringMatching(hint) as string,
      context: { missing: ['kernel', 'initrd', 'init'] },
    })
  })
})
