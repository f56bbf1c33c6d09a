import fc from 'fast-check'
import { expect, it } from 'vitest'
import { cutBytes, cutLine } from './cut-text.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 60 })
const most = fc.integer({ min: 4, max: 80 })

it('cuts at bytes, between characters', () => {
  fc.assert(
    fc.property(text, most, (whole, mostBytes) => {
      const cut = cutBytes(whole, mostBytes)
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(mostBytes)
      if (cut === whole) return
      expect(cut.endsWith('…')).toBe(true)
      expect(whole.startsWith(cut.slice(0, -1))).toBe(true)
      expect(Buffer.byteLength(whole)).toBeGreaterThan(mostBytes)
    }),
  )
})

it('cuts a line at characters', () => {
  fc.assert(
    fc.property(text, most, (whole, mostCharacters) => {
      const cut = cutLine(whole, mostCharacters)
      expect(Array.from(cut).length).toBeLessThanOrEqual(mostCharacters)
      expect(cut.isWellFormed()).toBe(true)
      expect(cut).not.toMatch(/[\n\r\t\u0000-\u001f]/)
    }),
  )
  expect(cutLine('a\n\tb  c ', 140)).toBe('a b c')
  expect(cutLine('😀'.repeat(200), 140)).toBe(`${'😀'.repeat(139)}…`)
})
