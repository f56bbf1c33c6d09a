import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeArchive } from '../../testing/archive.ts'
import { TarError } from './tar-error.ts'
import { readTar, type TarEntry } from './tar.ts'

type Read = Omit<TarEntry, 'body'> & { text: string }

async function read(bytes: Buffer, pieceBytes = 1000): Promise<Read[]> {
  const entries: Read[] = []
  for await (const { body, ...entry } of readTar(toPieces(bytes, pieceBytes))) {
    const parts: Buffer[] = []
    for await (const part of body) parts.push(part)
    entries.push({ ...entry, text: Buffer.concat(parts).toString('latin1') })
  }
  return entries
}

const longName = `${'long/'.repeat(50)}name`

describe('readTar', () => {
  it('reads what another writer wrote', async () => {
    const archive = await makeArchive([
      { name: 'etc', type: 'directory', mode: 0o755 },
      { name: 'etc/passwd', mode: 0o644, uid: 5, gid: 6, content: 'root:x:0:0\n' },
      { name: longName, content: 'x' },
      { name: 'sh', type: 'symlink', linkname: 'bin/dash' },
      { name: 'hard', type: 'link', linkname: longName },
      { name: 'null', type: 'character-device', devmajor: 1, devminor: 3 },
      { name: 'disk', type: 'block-device', devmajor: 8, devminor: 16 },
      { name: 'pipe', type: 'fifo' },
      { name: 'caps', pax: { 'SCHILY.xattr.user.note': 'held' }, content: '' },
    ])
    const entries = await read(archive)
    expect(entries.map(({ name, type }) => `${type} ${name}`)).toEqual([
      'folder etc',
      'file etc/passwd',
      `file ${longName}`,
      'symlink sh',
      'hard-link hard',
      'character null',
      'block disk',
      'pipe pipe',
      'file caps',
    ])
    expect(entries[1]).toMatchObject({ mode: 0o644, uid: 5, gid: 6, modifiedAtS: 1_700_000_000, text: 'root:x:0:0\n' })
    expect(entries[3]).toMatchObject({ linkName: 'bin/dash' })
    expect(entries[4]).toMatchObject({ linkName: longName })
    expect(entries[5]).toMatchObject({ major: 1, minor: 3 })
    expect(entries[6]).toMatchObject({ major: 8, minor: 16 })
    expect(entries[8]!.extendedAttributes.get('user.note')?.toString()).toBe('held')
  })

  it.each(['gnu', 'pax', 'ustar', 'v7'])('reads what GNU tar writes in the format %s', async (format) => {
    const folder = mkdtempSync(join(tmpdir(), 'larder-tar-'))
    try {
      const name = format === 'gnu' || format === 'pax' ? 'n'.repeat(200) : 'n'.repeat(90)
      writeFileSync(join(folder, name), 'content', { mode: 0o640 })
      const args = ['-C', folder, `--format=${format}`, '--owner=:70000', '--group=:70001', '--mtime=@1600000000']
      const entries = await read(execFileSync('tar', [...args, '-cf', '-', name]))
      const facts = { name, uid: 70_000, gid: 70_001, modifiedAtS: 1_600_000_000, text: 'content' }
      expect(entries).toMatchObject([facts])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('keeps bytes that are not UTF-8, in names and in attributes', async () => {
    // A capability has bytes above 127: cap_setuid is the bit 7.
    const value = Buffer.from('0100000280000000000000000000000000000000', 'hex')
    const record = Buffer.concat([Buffer.from(' SCHILY.xattr.security.capability='), value, Buffer.from('\n')])
    const archive = await makeArchive([
      { name: 'placeholder', type: 'file', content: 'p'.repeat(record.length + 2) },
      { name: 'caf\u00e9', content: 'x' },
    ])
    // The first entry becomes the header of the second.
    archive.write('x', 156, 'latin1')
    record.copy(archive, 512 + archive.write(String(record.length + 2), 512, 'latin1'))
    writeChecksum(archive.subarray(0, 512))
    const [entry] = await read(archive)
    expect(entry!.extendedAttributes.get('security.capability')).toEqual(value)
    expect(Buffer.from(entry!.name, 'latin1').toString('utf8')).toBe('caf\u00e9')
  })

  it('reads the same from pieces of any size, bodies read or not', async () => {
    const archive = await makeArchive([
      { name: 'a', content: 'a'.repeat(512) },
      { name: 'b', content: 'b'.repeat(513) },
      { name: 'c', content: '' },
    ])
    const whole = await read(archive, archive.length)
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2000 }), async (pieceBytes) => {
        expect(await read(archive, pieceBytes)).toEqual(whole)
        const names: string[] = []
        for await (const { name } of readTar(toPieces(archive, pieceBytes))) names.push(name)
        expect(names).toEqual(['a', 'b', 'c'])
      }),
      { numRuns: 25 },
    )
  })

  it('says what is wrong, whichever byte is changed or missing, or reads on', async () => {
    const archive = await makeArchive([
      { name: longName, content: 'x'.repeat(700) },
      { name: 'b', pax: { 'SCHILY.xattr.user.a': 'b' }, content: 'y' },
    ])
    const damage = fc.record({ at: fc.nat(archive.length - 1), byte: fc.nat(255), end: fc.nat(archive.length) })
    await fc.assert(
      fc.asyncProperty(damage, async ({ at, byte, end }) => {
        const damaged = Buffer.from(archive)
        damaged[at] = byte
        const outcome = await read(damaged.subarray(0, end)).catch((error: unknown) => error)
        expect(Array.isArray(outcome) || outcome instanceof TarError).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it.each<[string, (archive: Buffer) => Buffer, RegExp]>([
    ['cut in a header', (archive) => archive.subarray(0, 300), /middle of a header/],
    ['cut in a file', (archive) => archive.subarray(0, 700), /middle of a/],
    ['a wrong checksum', (archive) => changed(archive, 0, 'b'), /wrong checksum/],
    ['an unknown type', (archive) => changed(archive, 156, 'S', true), /of type "S"/],
    ['a number that is none', (archive) => changed(archive, 124, '9', true), /where a number belongs/],
    ['a negative length', (archive) => changed(archive, 124, '\xff'.repeat(12), true), /length/],
  ])('refuses %s', async (_, damage, why) => {
    const archive = await makeArchive([{ name: 'a', content: 'a'.repeat(512) }])
    await expect(read(damage(archive))).rejects.toThrow(why)
  })
})

function changed(archive: Buffer, at: number, text: string, isSummed = false): Buffer {
  archive.write(text, at, 'latin1')
  if (isSummed) writeChecksum(archive.subarray(0, 512))
  return archive
}

function writeChecksum(header: Buffer): void {
  header.fill(0x20, 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
}

async function* toPieces(bytes: Buffer, pieceBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}
