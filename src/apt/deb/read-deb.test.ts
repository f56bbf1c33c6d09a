import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isLarderError } from '../../core/error.ts'
import { debInMemory } from './deb-source.ts'
import { readDebControl, readDebFiles } from './read-deb.ts'
import { makeAr, makeDeb, makeTar, makeTarHeader } from './testing/make-deb.ts'

const { signal } = new AbortController()
const control = async (bytes: Buffer): Promise<string> =>
  (await readDebControl(debInMemory(bytes, 'a.deb'), signal)).toString()
const files = (bytes: Buffer): Promise<string[]> => readDebFiles(debInMemory(bytes, 'a.deb'), signal)

const text = 'Package: tool\nVersion: 1\nX-Odd:  ü\n'
const version = { name: 'debian-binary', bytes: Buffer.from('2.0\n') }
const controlTar = makeTar([{ path: './control', content: text }])
const emptyTar = makeTar([])

describe('a .deb', () => {
  test.each([
    ['plain', '', controlTar],
    ['gz', '.gz', gzipSync(controlTar)],
    ['zst', '.zst', zstdCompressSync(controlTar)],
  ])('with %s archives', async (_, suffix, bytes) => {
    const deb = makeAr([version, { name: `control.tar${suffix}`, bytes }, { name: 'data.tar', bytes: emptyTar }])
    expect(await control(deb)).toBe(text)
    expect(await files(deb)).toEqual([])
  })

  test('with members that are to be ignored, and more behind', async () => {
    const deb = makeAr([
      version,
      { name: '_other', bytes: Buffer.from('x') },
      { name: 'control.tar/', bytes: controlTar },
      { name: 'data.tar/', bytes: makeTar([{ path: './usr/a' }]) },
      { name: 'signature', bytes: Buffer.from('y') },
    ])
    expect(await control(deb)).toBe(text)
    expect(await files(deb)).toEqual(['usr/a'])
  })

  test('tells its files sorted by bytes, each once, folders and unspeakable ones left out', async () => {
    const long = `usr/${'very-'.repeat(60)}long`
    const pax = (path: string): string => {
      const rest = ` path=${path}\n`
      return `${rest.length + 3}${rest}`
    }
    const deb = makeDeb({
      files: [
        { path: './', type: '5' },
        { path: './usr/', type: '5' },
        { path: './usr/ü', content: 'x'.repeat(700) },
        { path: './usr/z', type: '2' },
        { path: '/usr/b', type: '1' },
        { path: 'usr/b' },
        { path: './usr/line\nend' },
        { path: '././@LongLink', type: 'L', content: `./${long}\0` },
        { path: './usr/very', content: 'y' },
        { path: 'pax', type: 'x', content: pax('./usr/from-pax') },
        { path: './usr/short' },
      ],
    })
    expect(await files(deb)).toEqual(['usr/b', 'usr/from-pax', long, 'usr/z', 'usr/ü'])
  })

  const ar = (name: string, bytes: Buffer): Buffer =>
    makeAr([version, { name, bytes }, { name: 'data.tar', bytes: emptyTar }])
  const damaged = Buffer.from(controlTar)
  damaged.writeUInt8(1, 5)
  test.each([
    ['nothing', Buffer.alloc(0), 'does not begin as an ar'],
    ['text', Buffer.from('not a package'), 'does not begin as an ar'],
    ['an empty archive', makeAr([]), 'debian-binary is not'],
    ['no archives', makeAr([version]), 'are not its next members'],
    ['another version', makeAr([{ ...version, bytes: Buffer.from('3.0\n') }]), 'format other than 2.x'],
    ['a member cut short', makeDeb({}).subarray(0, -10), 'is cut short'],
    ['a header cut short', makeDeb({}).subarray(0, 90), 'in the header of a member'],
    ['too many members', makeAr(Array.from({ length: 20 }, () => version)), 'more than 16'],
    ['an unknown compression', ar('control.tar.rar', controlTar), 'not supported'],
    ['no control file', ar('control.tar', emptyTar), 'no control file'],
    ['two control files', makeDeb({ controlItems: [{ path: 'control' }, { path: './control' }] }), 'two control files'],
    ['a damaged tar header', ar('control.tar', damaged), 'damaged header'],
    ['a tar cut short', ar('control.tar', controlTar.subarray(0, 600)), 'cut short'],
    ['a path that leads out', makeDeb({ controlItems: [{ path: './a/../../b' }] }), 'leads out'],
    ['a control file of 2 MiB', makeDeb({ control: 'x'.repeat(2 ** 21) }), 'larger than'],
    ['a name of 100 kB', makeDeb({ controlItems: [{ path: 'l', type: 'L', content: 'x'.repeat(1e5) }] }), 'too long'],
    ['a size beyond the end', ar('control.tar', makeTarHeader('./x', 2 ** 30, '0')), 'cut short'],
  ])('with %s is refused', async (_, bytes, why) => {
    const error: unknown = await control(bytes).catch((each: unknown) => each)
    expect(isLarderError(error, 'APT_DEB_MALFORMED')).toBe(true)
    expect((error as Error).message).toContain(why)
  })

  test('that unpacks to more than it may is refused', async () => {
    const bomb = gzipSync(Buffer.concat([makeTarHeader('./x', 80 * 2 ** 20, '0'), Buffer.alloc(80 * 2 ** 20)]))
    const deb = ar('control.tar.gz', bomb)
    await expect(control(deb)).rejects.toMatchObject({ code: 'DECOMPRESS_BOMB' })
  })

  test('damaged anywhere is read or refused, never a bug', async () => {
    const sound = makeDeb({ control: text, files: [{ path: './usr/a', content: 'a' }, { path: './usr/b' }] })
    const edit = fc.record({ at: fc.nat(sound.length - 1), byte: fc.nat(255) })
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), fc.nat(sound.length), async (edits, cut) => {
        const bytes = Buffer.from(sound.subarray(0, edits.length > 2 ? cut : sound.length))
        for (const { at, byte } of edits) if (at < bytes.length) bytes[at] = byte
        for (const read of [control, files]) {
          const error: unknown = await read(bytes).then(
            () => undefined,
            (each: unknown) => each,
          )
          if (error !== undefined && !isLarderError(error)) throw new Error('a bug', { cause: error })
        }
      }),
      { numRuns: 400 },
    )
  })

  test('whose tar headers are anything at all is read or refused, never a bug', async () => {
    const header = fc.uint8Array({ minLength: 512, maxLength: 512 }).map((bytes) => {
      const block = Buffer.from(bytes)
      block.write('        ', 148)
      const sum = block.reduce((total, byte) => total + byte, 0)
      block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
      return block
    })
    await fc.assert(
      fc.asyncProperty(fc.array(header, { maxLength: 4 }), async (headers) => {
        const error: unknown = await files(
          makeAr([
            version,
            { name: 'control.tar', bytes: controlTar },
            { name: 'data.tar', bytes: Buffer.concat([...headers, Buffer.alloc(1024)]) },
          ]),
        ).catch((each: unknown) => each)
        if (!Array.isArray(error) && !isLarderError(error)) throw new Error('a bug', { cause: error })
      }),
      { numRuns: 300 },
    )
  })
})
