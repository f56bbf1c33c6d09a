import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Interner } from './interner.ts'

it('numbers what is equal alike, and finds what it has and nothing else', () => {
  const words = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\xff'), maxLength: 6 }), { maxLength: 60 })
  fc.assert(
    fc.property(words, words, (given, others) => {
      const interner = new Interner(1)
      const numbers = new Map<string, number>()
      for (const word of given) {
        const bytes = Buffer.from(`(${word})`, 'latin1')
        const number = interner.intern(bytes, 1, bytes.length - 1)
        expect(number).toBe(numbers.get(word) ?? numbers.size)
        numbers.set(word, number)
      }
      expect(interner.size).toBe(numbers.size)
      for (const [word, number] of numbers) expect(interner.text(number)).toBe(word)
      for (const word of [...given, ...others]) {
        const bytes = Buffer.from(word, 'latin1')
        expect(interner.find(bytes, 0, bytes.length)).toBe(numbers.get(word) ?? -1)
      }
    }),
  )
})
