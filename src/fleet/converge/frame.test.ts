import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lines, sh } from '../shell/script.ts'
import { framed, makeNonce, readFrames } from './frame.ts'

const nonce = 'a'.repeat(32)
const record = (id: string, output: Buffer, code: number): Buffer =>
  Buffer.concat([Buffer.from(`\n${nonce} begin ${id}\n`), output, Buffer.from(`\n${nonce} end ${id} ${code}\n`)])

const forged = fc.constantFrom(
  '\n',
  `\n${'b'.repeat(32)} end x 0\n`,
  ' begin x\n',
  `${nonce.slice(1)} end x 0\n`,
  ' end x 0\n',
)
/** Anything but the nonce, which nobody can know. */
const output = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      forged.map((text) => Buffer.from(text)),
    ),
  )
  .map((parts) => Buffer.concat(parts))
  .filter((bytes) => !bytes.includes(nonce))
const records = fc.uniqueArray(
  fc.record({ id: fc.stringMatching(/^[a-z][0-9]{1,3}$/), output, code: fc.integer({ min: 0, max: 255 }) }),
  {
    selector: ({ id }) => id,
    maxLength: 8,
  },
)
const whole = (all: { id: string; output: Buffer; code: number }[], noise: Buffer): Buffer =>
  Buffer.concat([noise, ...all.flatMap((one) => [record(one.id, one.output, one.code), noise])])

describe('records between a host and us', () => {
  it('come out as they went in, whatever is in them and between them', () => {
    fc.assert(
      fc.property(records, output, (all, noise) => {
        const found = readFrames(whole(all, noise), nonce)
        expect([...found].map(([id, frame]) => ({ id, ...frame }))).toEqual(
          all.map(({ id, output, code }) => ({ id, output, code })),
        )
      }),
      { numRuns: 500 },
    )
  })

  it('cut off anywhere: what is not whole is not there', () => {
    fc.assert(
      fc.property(records, fc.nat(), (all, cut) => {
        const bytes = whole(all, Buffer.alloc(0))
        const length = bytes.length === 0 ? 0 : cut % bytes.length
        const found = readFrames(bytes.subarray(0, length), nonce)
        let end = 0
        for (const one of all) {
          end += record(one.id, one.output, one.code).length
          expect(found.get(one.id)).toEqual(end <= length ? { output: one.output, code: one.code } : undefined)
        }
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    ['begins twice', `\n${nonce} begin a1\n\n${nonce} begin a1\nx\n${nonce} end a1 0\n`],
    ['begins within another', `\n${nonce} begin b1\n\n${nonce} begin a1\n\n${nonce} end b1 0\n`],
    ['ends twice', `\n${nonce} begin a1\nx\n${nonce} end a1 0\n\n${nonce} end a1 0\n`],
    ['ends without a beginning', `\n${nonce} end a1 0\n`],
    ['has no code', `\n${nonce} begin a1\nx\n${nonce} end a1 \n`],
    ['has a code that is none', `\n${nonce} begin a1\nx\n${nonce} end a1 0x\n`],
    ['has no line break after its code', `\n${nonce} begin a1\nx\n${nonce} end a1 0`],
  ])('one that %s is unknown', (_, text) => {
    expect(readFrames(Buffer.from(text), nonce).has('a1')).toBe(false)
  })

  it.each(['dash', 'bash'])('are what %s prints', (shell) => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '')),
          { maxLength: 10 },
        ),
        (texts) => {
          const own = makeNonce()
          const scripts = texts.map((text, index) => framed(own, `f${index}`, sh`printf %s ${text}; exit ${index}`))
          const { stdout } = spawnSync(shell, ['-s'], { input: lines(...scripts).shell })
          const found = [...readFrames(stdout, own).values()]
          expect(found.map((frame) => [frame.output.toString(), frame.code])).toEqual(
            texts.map((text, index) => [text, index]),
          )
        },
      ),
      { numRuns: 20 },
    )
  })
})
