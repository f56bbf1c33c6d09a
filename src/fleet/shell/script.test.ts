import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lines, nothing, sh, type Script } from './script.ts'

const awkward = [
  '',
  "'",
  "''",
  '\\',
  '$HOME',
  '`id`',
  '$(id)',
  '"',
  '\n',
  'a\n\n',
  '-n',
  '--',
  '*',
  '~',
  '!',
  '\u{1f600}',
  'é',
  ' ',
  '\t\r',
  '#',
  ';',
  '&',
  '%s',
  '\\n',
]
const text = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.constantFrom(...awkward)).map((parts) => parts.join('')),
  )
  .map((value) => value.replaceAll('\0', ''))

describe.each(['dash', 'bash'])('%s', (shell) => {
  const run = (script: Script): string => {
    const { stdout, status } = spawnSync(shell, ['-s'], { input: script.shell, maxBuffer: 2 ** 26 })
    expect(status).toBe(0)
    return stdout.toString()
  }

  it('any text comes out as it went in', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 40 }), (values) => {
        const script = lines(...values.map((value) => sh`printf '%s\\0' ${value}`))
        expect(run(script).split('\0').slice(0, -1)).toEqual(values)
      }),
      { numRuns: 60 },
    )
  })

  it('a list is as many words', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(text, fc.integer()), { maxLength: 40 }), (values) => {
        const script = sh`set -- ${values}; printf '%d\\0' $#; for one; do printf '%s\\0' "$one"; done`
        expect(run(script).split('\0').slice(0, -1)).toEqual([values.length, ...values].map(String))
      }),
      { numRuns: 60 },
    )
  })

  it('scripts stand within scripts, and as a text where they are quoted', () => {
    fc.assert(
      fc.property(text, (value) => {
        const inner = sh`printf %s ${value}`
        expect(run(sh`printf '<'; ${inner}; ${nothing}printf '>'; sh -c ${inner.shell}`)).toBe(`<${value}>${value}`)
      }),
      { numRuns: 40 },
    )
  })
})

it('a NUL is refused', () => {
  expect(() => sh`echo ${'a\0b'}`).toThrow('has a NUL character')
  expect(() => sh`echo ${['a', '\0']}`).toThrow('has a NUL character')
})
