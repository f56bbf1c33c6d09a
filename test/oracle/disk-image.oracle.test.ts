import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, open, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../src/core/index.ts'
import { makeDiskImage, type DiskImageOptions } from '../../src/oci/disk-image/index.ts'
import { makeArchive, type ArchiveEntry } from '../../src/oci/testing/archive.ts'
import { bootableEntries } from '../../src/oci/testing/bootable-archive.ts'
import { writeLayout } from '../../src/oci/testing/write-layout.ts'

const createdAt = new Date('2026-11-01T12:34:56Z')
const mebibyte = 1024 * 1024
/** Where the root is on a disk with both kinds of firmware. */
const rootStartBytes = 42 * mebibyte
const large = randomBytes(3_000_000)

/** What file systems are known to stumble over. */
const hardEntries: ArchiveEntry[] = [
  { name: 'etc/with "quotes" and spaces', content: 'quoted' },
  { name: 'etc/<12>', mode: 0o600, content: 'no inode' },
  { name: 'etc/-f', content: 'no option' },
  { name: 'etc/#', content: 'no comment' },
  { name: "etc/it's", type: 'symlink', linkname: 'a "target" with <signs>' },
  { name: 'etc/caf\u00e9', content: 'utf-8' },
  { name: 'usr/bin/su', mode: 0o4755, uid: 0, gid: 5, content: 'setuid' },
  { name: 'srv/owned', uid: 70_000, gid: 80_000, mode: 0o640, content: '', mtime: new Date(1_234_567_000) },
  {
    name: 'srv/caps',
    pax: { 'SCHILY.xattr.user.note': 'kept', 'SCHILY.xattr.trusted.overlay.opaque': 'y' },
    content: 'c',
  },
  { name: 'srv/large', content: large },
  { name: 'srv/holes', content: Buffer.concat([Buffer.alloc(5_000_000), Buffer.from('end')]) },
  { name: 'dev/sda', type: 'block-device', devmajor: 8, devminor: 0, mode: 0o660, gid: 6 },
  { name: 'run/pipe', type: 'fifo', mode: 0o622 },
  { name: 'lost+found', type: 'directory', mode: 0o700 },
  { name: 'many', type: 'directory', mode: 0o1777 },
  ...Array.from({ length: 1200 }, (_, index) => ({
    name: `many/a file with a rather long name ${index}`,
    content: '',
  })),
  { name: 'links/first', content: 'linked' },
  ...Array.from({ length: 700 }, (_, index) => ({
    name: `links/another name of the first file ${index}`,
    type: 'link' as const,
    linkname: 'links/first',
  })),
]

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-disk-'))
  await writeLayout(join(folder, 'layout'), {
    layers: [{ bytes: await makeArchive(bootableEntries) }, { bytes: await makeArchive(hardEntries) }],
  })
})
afterEach(() => rm(folder, { recursive: true }))

function make(changes: Partial<DiskImageOptions> = {}) {
  return makeDiskImage({
    source: { layout: join(folder, 'layout') },
    outputFile: join(folder, 'disk.raw'),
    format: 'raw',
    sizeBytes: 200 * mebibyte,
    createdAt,
    signal: new AbortController().signal,
    log: silentLog,
    ...changes,
  })
}

describe('a disk', () => {
  it('is accepted by sfdisk, fsck.vfat, e2fsck and qemu-img, and both formats hold the same', async () => {
    const { outputFile, diskBytes } = await make()
    const table = await run('sfdisk', ['--json', outputFile])
    const { partitiontable } = JSON.parse(table) as {
      partitiontable: Record<string, unknown> & { partitions: object[] }
    }
    expect(await run('sfdisk', ['--verify', outputFile])).toContain('No errors detected')
    expect(partitiontable).toMatchObject({ label: 'gpt', firstlba: 34, lastlba: diskBytes / 512 - 34 })
    expect(partitiontable.partitions).toMatchObject([
      {
        node: `${outputFile}1`,
        start: rootStartBytes / 512,
        type: '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709',
        name: 'root',
      },
      { node: `${outputFile}14`, start: 2048, size: 2048, type: '21686148-6449-6E6F-744E-656564454649' },
      { node: `${outputFile}15`, start: 4096, size: 81_920, type: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B' },
    ])
    const efiPath = await cutOut(outputFile, { startBytes: 2 * mebibyte, sizeBytes: 40 * mebibyte })
    expect(await run('fsck.vfat', ['-n', '-v', efiPath])).toMatch(/FATs, 32 bit entries[^]*3 files/)
    await run('e2fsck', ['-f', '-n', `${outputFile}?offset=${rootStartBytes}`])

    const qcow2 = join(folder, 'disk.qcow2')
    expect(await make({ outputFile: qcow2, format: 'qcow2' })).toMatchObject({ diskBytes })
    await run('qemu-img', ['check', '-q', '-f', 'qcow2', qcow2])
    await run('qemu-img', ['compare', '-q', '-f', 'raw', '-F', 'qcow2', outputFile, qcow2])
  })

  it('has what the image has, with owners, rights, times, links and attributes', async () => {
    const { outputFile } = await make()
    const ask = (request: string) => debugfs(outputFile, request)
    expect(await ask('cat "/etc/with ""quotes"" and spaces"')).toBe('quoted')
    expect(await ask('cat /etc/./<12>')).toBe('no inode')
    expect(await ask('cat /etc/-f')).toBe('no option')
    expect(await ask('cat "/etc/#"')).toBe('no comment')
    expect(await ask('cat /etc/caf\u00e9')).toBe('utf-8')
    expect(await ask('stat "/etc/it\'s"')).toContain('Fast link dest: "a "target" with <signs>"')
    expect(await ask('stat /usr/bin/su')).toMatch(/Type: regular +Mode: +04755[^]*User: +0 +Group: +5/)
    expect(await ask('stat /srv/owned')).toMatch(/Mode: +0640[^]*User: 70000 +Group: 80000[^]*mtime: 0x0012d687/)
    expect(await ask('stat /dev/sda')).toMatch(/block special +Mode: +0660[^]*Group: +6[^]*08:00/)
    expect(await ask('stat /dev/console')).toMatch(/character special +Mode: +0600[^]*05:01/)
    expect(await ask('stat /run/pipe')).toMatch(/FIFO +Mode: +0622/)
    expect(await ask('stat /links/first')).toMatch(/Links: 701/)
    expect(await ask('stat /many')).toMatch(/directory +Mode: +01777/)
    expect(await ask('stat /srv/holes')).toMatch(/Size: 5000003[^]*Blockcount: 8\n/)
    expect(await ask('ea_list /srv/caps')).toMatch(/user\.note \(4\) = "kept"/)
    expect(await ask('ea_list /srv/caps')).not.toMatch(/overlay/)
    expect(digestOf(await ask('cat /srv/large'))).toBe(digestOf(large.toString('latin1')))
    expect((await ask('ls -p /many')).match(/rather long name/g)).toHaveLength(1200)
    expect(await ask('cat /etc/fstab')).toBe('LABEL=root / ext4 errors=remount-ro 0 1\n')
    expect(await ask('cat /boot/grub/grub.cfg')).toContain("linux '/boot/vmlinuz-6.1.0-9-amd64' 'root=PARTUUID=")
  })

  it('is the same from the same, byte for byte, at another time and in another folder', async () => {
    const first = await make()
    const elsewhere = await mkdtemp(join(folder, 'elsewhere-'))
    // A second later: no clock that counts seconds may be seen in it.
    await new Promise((resolve) => setTimeout(resolve, 1100))
    const second = await make({ outputFile: join(elsewhere, 'other.raw') })
    expect(await digestOfFile(second.outputFile)).toBe(await digestOfFile(first.outputFile))
    const formats = [join(folder, 'a.qcow2'), join(elsewhere, 'b.qcow2')]
    for (const outputFile of formats) await make({ outputFile, format: 'qcow2' })
    expect(await digestOfFile(formats[0]!)).toBe(await digestOfFile(formats[1]!))
    const later = await make({ outputFile: join(folder, 'later.raw'), createdAt: new Date('2026-11-02T00:00:00Z') })
    expect(await digestOfFile(later.outputFile)).not.toBe(await digestOfFile(first.outputFile))
  })

  it('is made from a folder too, and has no EFI system partition when only BIOS starts it', async () => {
    const root = join(folder, 'root')
    await mkdir(root)
    const archive = join(folder, 'root.tar')
    await writeFile(archive, await makeArchive(bootableEntries))
    await run('tar', ['-C', root, '-xf', archive])
    await utimes(join(root, 'usr/sbin/init'), 1000, 1000)
    const { outputFile } = await make({ source: { folder: root }, firmware: 'bios' })
    expect((await run('sfdisk', ['--dump', outputFile])).match(/^\/.*start=/gm)).toHaveLength(2)
    const init = await run('debugfs', ['-R', 'stat /usr/sbin/init', `${outputFile}?offset=${2 * mebibyte}`])
    expect(init).toMatch(/Mode: +0755[^]*mtime: 0x000003e8/)
  })

  it('has the size that was asked for, and is refused where the content needs more', async () => {
    const { outputFile } = await make({ sizeBytes: 700 * mebibyte + 5 })
    expect(JSON.parse(await run('qemu-img', ['info', '--output=json', '-f', 'raw', outputFile]))).toMatchObject({
      'virtual-size': 700 * mebibyte,
    })
    await expect(make({ sizeBytes: 100 * mebibyte })).rejects.toMatchObject({ code: 'DISK_IMAGE_TOO_SMALL' })
  })

  it('fits the smallest size that is not refused', async () => {
    const refused: unknown = await make({ sizeBytes: mebibyte }).catch((error: unknown) => error)
    const { neededBytes } = (refused as { context: { neededBytes: number } }).context
    await make({ sizeBytes: Math.ceil(neededBytes / mebibyte) * mebibyte })
  })

  it.each(['a file that was there', undefined])('leaves nothing when it is stopped, and %s as it was', async (old) => {
    const outputFile = join(folder, 'stopped.raw')
    if (old !== undefined) await writeFile(outputFile, old)
    const before = await readdir(folder)
    for (const afterMs of [0, 50, 300, 700]) {
      const making = make({ outputFile, signal: AbortSignal.timeout(afterMs) }).catch((error: unknown) => error)
      const outcome = await making
      if (!(outcome instanceof Error)) break
      expect(outcome).toMatchObject({ code: 'CANCELLED' })
      expect(await readdir(folder)).toEqual(before)
    }
    if (old !== undefined && (await readFile(outputFile)).length < 100)
      expect(await readFile(outputFile, 'utf8')).toBe(old)
  })
})

async function run(program: string, args: readonly string[]): Promise<string> {
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }
  const { stdout } = await execa(program, args, { env, extendEnv: false, stdin: 'ignore' })
  return stdout
}

async function debugfs(diskPath: string, request: string): Promise<string> {
  const args = ['-R', request, `${diskPath}?offset=${rootStartBytes}`]
  const settings = { encoding: 'latin1', stripFinalNewline: false, maxBuffer: 10_000_000 } as const
  const { stdout } = await execa('/usr/sbin/debugfs', args, settings)
  return stdout
}

async function cutOut(
  path: string,
  { startBytes, sizeBytes }: { startBytes: number; sizeBytes: number },
): Promise<string> {
  const file = await open(path)
  try {
    const { buffer } = await file.read(Buffer.alloc(sizeBytes), 0, sizeBytes, startBytes)
    await writeFile(`${path}.part`, buffer)
    return `${path}.part`
  } finally {
    await file.close()
  }
}

function digestOf(bytes: string): string {
  return createHash('sha256').update(bytes, 'latin1').digest('hex')
}

async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk)
  return hash.digest('hex')
}
