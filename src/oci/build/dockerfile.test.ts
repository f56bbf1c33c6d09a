import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLarderError } from '../../core/index.ts'
import { baseImagesOf } from './base-images.ts'
import { parseDockerfile } from './dockerfile.ts'

const read = (text: string) => parseDockerfile(text, 'app/Dockerfile')

describe('instructions and their lines', () => {
  it.each([
    ['plain', 'FROM a\nRUN b c', ['1 FROM a', '2 RUN b c']],
    ['small letters, indented', '  from a\n\trun b', ['1 FROM a', '2 RUN b']],
    [
      'continued, with comments and empty lines between',
      'FROM a\nRUN b \\\n  # why\n\n  c\nCMD d',
      ['1 FROM a', '2 RUN b c', '6 CMD d'],
    ],
    ['comments and a mark at the beginning', '\ufeff# x\n\nFROM a\r\nRUN b\r\n', ['3 FROM a', '4 RUN b']],
    ['another escape', '# escape=`\nFROM a\nRUN b `\n c\\\nRUN d', ['2 FROM a', '3 RUN b c\\', '5 RUN d']],
    ['no directive after a comment', '# x\n# escape=`\nFROM a\nRUN b `\nRUN c', ['3 FROM a', '4 RUN b `', '5 RUN c']],
    ['a here-document', 'FROM a\nRUN <<EOF\nFROM b\nEOF\nRUN c', ['1 FROM a', '2 RUN <<EOF', '5 RUN c']],
    [
      'two of them, one of them indented',
      'FROM a\nCOPY <<-A <<"B" /x\n1\n\tA\n2\nB\nRUN c',
      ['1 FROM a', '2 COPY <<-A <<"B" /x', '7 RUN c'],
    ],
    ['one that never ends', 'FROM a\nRUN <<EOF\nRUN c', ['1 FROM a', '2 RUN <<EOF']],
    [
      'none in a list, none in CMD',
      'FROM a\nRUN ["<<", "x <<E"]\nCMD x <<E\nRUN c',
      ['1 FROM a', '2 RUN ["<<", "x <<E"]', '3 CMD x <<E', '4 RUN c'],
    ],
    ['continued to the end', 'FROM a\nRUN b \\', ['1 FROM a', '2 RUN b']],
    ['ARG first', 'ARG x=1\nFROM a', ['1 ARG x=1', '2 FROM a']],
  ])('%s', (_, text, expected) => {
    expect(read(text).instructions.map(({ keyword, text: rest, line }) => `${line} ${keyword} ${rest}`)).toEqual(
      expected,
    )
  })
})

it.each([
  ['', 'app/Dockerfile:1: it has no FROM.'],
  ['RUN x\nFROM a', 'app/Dockerfile:1: RUN stands before the first FROM.'],
  ['FROM a\nRNU x', 'app/Dockerfile:2: "RNU" is no instruction.'],
  ['FROM a\n\nRUN', 'app/Dockerfile:3: RUN says nothing.'],
  ['FROM a b', 'app/Dockerfile:1: FROM names an image, and perhaps AS and the name of the stage.'],
  ['FROM --platform=linux/arm64', 'app/Dockerfile:1: FROM names an image, and perhaps AS and the name of the stage.'],
  ['<html>', 'app/Dockerfile:1: "<html>" is no instruction.'],
  [`FROM a\n${'#'.repeat(1_100_000)}`, 'app/Dockerfile:1: it is larger than 1 MiB.'],
])('refuses %.20j', (text, message) => {
  expect(() => read(text)).toThrow(expect.objectContaining({ code: 'DOCKERFILE_INVALID', message }) as Error)
})

it.each([
  ['FROM scratch', {}, []],
  ['FROM h.example.org/a:1 AS x\nFROM X\nFROM --platform=$P b AS y', {}, ['h.example.org/a:1', 'b']],
  ['ARG v=1\nARG n="a b"\nFROM x:$v\nARG v=2\nFROM x:${v}-${w:-slim}${v:+-t}', {}, ['x:1', 'x:1-slim-t']],
  ['ARG v\nFROM x:$v', { v: '9' }, ['x:9']],
  ['ARG v=1\nARG w=${v}2\nFROM x:$w', { v: '3' }, ['x:32']],
  ['FROM x-$TARGETARCH', {}, ['x-arm64']],
  ['FROM a AS one\nCOPY --from=one x y\nCOPY --from=0 x y\nCOPY --chown=1 --from=b:2 x y', {}, ['a', 'b:2']],
  ['FROM a\nRUN --mount=type=bind,from=c,target=/c make', {}, ['a', 'c']],
  ['FROM a\nFROM a', {}, ['a']],
])('bases of %j', (text, args, expected) => {
  expect(baseImagesOf(read(text), { buildArgs: args, platform: 'linux/arm64' })).toEqual(expected)
})

it('whatever it is given: instructions in order of their lines, or a refusal that names one', () => {
  const words = [
    'FROM',
    'RUN',
    'ARG',
    'COPY',
    '\n',
    ' ',
    '\\',
    '#',
    '<<E',
    'E',
    '"',
    '$x',
    '${',
    '`',
    '# escape=`',
    'a',
    '--from=',
  ]
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(fc.constantFrom(...words)).map((some) => some.join('')),
      ),
      (text) => {
        try {
          const dockerfile = read(text)
          const lines = dockerfile.instructions.map(({ line }) => line)
          expect(lines).toEqual([...lines].sort((a, b) => a - b))
          expect(new Set(lines).size).toBe(lines.length)
          expect(baseImagesOf(dockerfile, { buildArgs: {} }).every((name) => name !== '')).toBe(true)
        } catch (error) {
          if (!isLarderError(error)) throw error
          expect(error.message).toMatch(/^app\/Dockerfile:\d+: /)
        }
      },
    ),
    { numRuns: 3000 },
  )
})
