import fc from 'fast-check'
import { expect, test } from 'vitest'
import { plainText } from './plain-text.ts'

test.each([
  ['a title', 'a title'],
  ['two\nlines\tand a tab', 'two\nlines\tand a tab'],
  ['\u001b[2Jgone', ' [2Jgone'],
  ['\u009b31mred', ' 31mred'],
  ['over\rwritten', 'over written'],
  ['\u202egnp.exe', ' gnp.exe'],
  ['Grüße, 日本, 👩‍💻', 'Grüße, 日本, 👩‍💻'],
])('%j', (text, plain) => {
  expect(plainText(text)).toBe(plain)
})

test('whatever comes, nothing of it is an order, and no character is lost or won', () => {
  const kept = (text: string): string => text.replaceAll(/[\n\t]/g, '')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const plain = plainText(text)
      expect(kept(plain)).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u)
      expect(plain).toHaveLength(text.length)
    }),
  )
})
