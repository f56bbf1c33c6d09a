import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentProgress } from '../../src/core/index.ts'
import { makeInitrds } from '../../src/fleet/place/base/make-initrds.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'larder-initrd-'))
  await chmod(root, 0o755)
})
afterEach(() => rm(root, { recursive: true }))

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), text, { mode: 0o755 })
}

/** A root in which dracut says how it was called, and needs what it needs. */
async function openRoot(dracut: string): Promise<void> {
  await mkdir(join(root, 'bin'))
  await copyFile('/bin/busybox', join(root, 'bin/sh'))
  for (const name of ['depmod', 'mkdir']) await write(`usr/bin/${name}`, `#!/bin/sh\necho ${name} "$@" >>/said\n`)
  await write('usr/bin/dracut', `#!/bin/sh\n${dracut}\n`)
  await write('lib/modules/6.1.0/vmlinuz', 'kernel')
  await write('lib/modules/6.2.0/modules.order', '')
  await write('boot/vmlinuz-6.2.0', 'kernel')
  await write('lib/modules/5.0.0/modules.order', 'of a kernel that went')
}

const room = { progress: silentProgress, signal: new AbortController().signal }

describe.skipIf(process.getuid?.() !== 0)('what kernels of a root start with', () => {
  it('is made for each of them and any machine, where there are devices', async () => {
    await openRoot('test -c /dev/null && test -e /proc/self/fd && echo dracut "$@" >>/said')
    await makeInitrds(root, room)
    const said = (await readFile(join(root, 'said'), 'utf8')).split('\n').filter((line) => line.startsWith('dracut'))
    expect(said).toEqual(
      ['6.1.0', '6.2.0'].map((release) => `dracut --force --no-hostonly /boot/initramfs-${release}.img ${release}`),
    )
    expect(await readdir(join(root, 'dev'))).toEqual([])
  })

  it('that cannot be made is told in the words of dracut', async () => {
    await openRoot('echo no such module: virtio_blk >&2; exit 1')
    await expect(makeInitrds(root, room)).rejects.toMatchObject({
      code: 'FLEET_BASE_FAILED',
      message: expect.stringContaining('no such module: virtio_blk') as string,
    })
  })
})
