import fc from 'fast-check'
import { expect, it } from 'vitest'
import { runScript } from '../testing/run-script.ts'
import { environmentFile, unitCommand, unitWord } from './unit-text.ts'

it('quotes what means something to systemd', () => {
  expect(unitCommand(['/bin/echo', 'a b', '100%', '$HOME', 'q"q', 'b\\s', 'l\nl'])).toBe(
    '"/bin/echo" "a b" "100%%" "$$HOME" "q\\"q" "b\\\\s" "l\\x0al"',
  )
  expect(unitWord('A=$x')).toBe('"A=$x"')
  expect(() => unitWord('a\0b')).toThrow('NUL')
})

it('an environment file says to a shell what it says to systemd', () => {
  const value = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((text) => !/[\u0000-\u001f\u007f!]/.test(text))
  fc.assert(
    fc.property(value, (text) => {
      const { stdout } = runScript({ shell: `${environmentFile({ A: text })}printf %s "$A"` })
      expect(stdout.toString()).toBe(text)
    }),
    { numRuns: 40 },
  )
})
