import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseDockerignore } from './dockerignore.ts'

it.each([
  { text: 'a', out: ['a', 'a/b'], in: ['b', 'ab', 'b/a'] },
  { text: '/a/', out: ['a', 'a/b'], in: ['b/a'] },
  { text: '*.md\n!README.md', out: ['x.md'], in: ['README.md', 'docs/x.md'] },
  { text: '!README.md\n*.md', out: ['README.md'], in: [] },
  { text: '**/*.log', out: ['x.log', 'a/b/x.log'], in: ['x.logs', 'log'] },
  { text: 'a/**/z', out: ['a/z', 'a/b/c/z', 'a/z/deep'], in: ['az', 'a/xz', 'z'] },
  { text: 'a/**', out: ['a/b', 'a/b/c'], in: ['a', 'ab'] },
  { text: '**', out: ['a', 'a/b'], in: [] },
  { text: '*\n!src\nsrc/*.tmp', out: ['x', 'src/a.tmp'], in: ['src', 'src/a.ts', 'src/deep/a.tmp'] },
  { text: 'a?c', out: ['abc'], in: ['ac', 'a/c', 'abbc'] },
  { text: '[a-c^]x\n[^a]y', out: ['bx', '^x', 'by'], in: ['dx', 'ay', '/y'] },
  { text: '[\\]]', out: [']'], in: ['\\'] },
  { text: 'a\\*', out: ['a*'], in: ['ab'] },
  { text: '[a', out: [], in: ['a', '[a'] },
  { text: './a/../b', out: ['b'], in: ['a'] },
  { text: '# a\n\n  b  \r\nc', out: ['b', 'c'], in: ['a', '# a'] },
  { text: '!', out: [], in: ['!'] },
  { text: '..', out: [], in: ['..', 'a'] },
])('$text', ({ text, out, in: inside }) => {
  const ignore = parseDockerignore(text)
  expect(out.filter((path) => !ignore(path))).toEqual([])
  expect(inside.filter((path) => ignore(path))).toEqual([])
})

it('reads anything, and what it says of a folder holds below it', () => {
  const part = fc.stringMatching(/^[ab.]{1,3}$/)
  fc.assert(
    fc.property(fc.string(), fc.array(part, { minLength: 1, maxLength: 4 }), part, (text, parts, name) => {
      const ignore = parseDockerignore(text)
      const folder = parts.join('/')
      if (!text.includes('!') && ignore(folder)) expect(ignore(`${folder}/${name}`)).toBe(true)
    }),
    { numRuns: 2000 },
  )
})

it('a pattern of many stars is no trouble', () => {
  expect(parseDockerignore(`${'*a'.repeat(500)}b`)('a'.repeat(2000))).toBe(false)
})
