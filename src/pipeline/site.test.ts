import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { formatProblem, LarderError, type KindGrammar } from '../core/index.ts'
import { memoryFiles } from '../core/testing/memory-files.ts'
import { jsonSchemaOf, schemaFiles } from './json-schema.ts'
import { readSite } from './site.ts'

/** A kind whose entries name a pantry and a file; the file must say "ok". */
const jars: KindGrammar<Record<string, { pantry: string; file: string }>> = {
  section: 'jars',
  schema: z.record(z.string(), z.strictObject({ pantry: z.string(), file: z.string() })),
  sharedSections: { pantries: z.record(z.string(), z.strictObject({ shelves: z.int() })) },
  fileSchemas: { 'jar.json': z.array(z.string()) },
  async check(desired, { files, declared, positionOf }) {
    const problems = []
    for (const [name, jar] of Object.entries(desired)) {
      const content = (await files.read(jar.file))?.toString()
      if (content !== 'ok')
        problems.push({ severity: 'error' as const, file: jar.file, line: 1, column: 1, message: 'not ok' })
      if (declared['pantries']?.includes(jar.pantry) !== true) {
        const position = positionOf(['jars', name, 'pantry'])
        problems.push({ severity: 'error' as const, ...position, message: `no pantry ${jar.pantry}` })
      } else if (jar.pantry === 'old') {
        problems.push({ severity: 'warning' as const, ...positionOf(['jars', name], 'key'), message: 'an old pantry' })
      }
    }
    return problems
  },
}

async function problemsOf(files: Record<string, string>): Promise<string[]> {
  const result = await readSite(memoryFiles(files), [jars])
  return 'problems' in result ? result.problems.map(formatProblem) : [`no problems in ${result.site.name}`]
}

describe('readSite', () => {
  it('answers with the sections, validated, and with warnings', async () => {
    const yaml = 'site: campus\npantries: {old: {shelves: 2}}\njars:\n  a: {pantry: old, file: f}\n'
    expect(await readSite(memoryFiles({ 'larder.yaml': yaml, f: 'ok' }), [jars])).toEqual({
      site: {
        name: 'campus',
        sections: { pantries: { old: { shelves: 2 } }, jars: { a: { pantry: 'old', file: 'f' } } },
      },
      warnings: [{ severity: 'warning', file: 'larder.yaml', line: 4, column: 3, message: 'an old pantry' }],
    })
  })

  it('a site may be empty but for its name', async () => {
    expect(await readSite(memoryFiles({ 'larder.yaml': 'site: a' }), [jars])).toMatchObject({ site: { name: 'a' } })
  })

  it('reports everything that is wrong in all files, in order, even below entries that are wrong', async () => {
    const yaml = [
      'site: Campus',
      'site: b',
      'pantries: {big: {shelves: many}}',
      'jras: {}',
      'images: {}',
      'jars:',
      '  a: {pantry: big, file: a.txt}',
      '  b: {pantry: bog, file: b.txt, lid: 1}',
      '  c: {pantry: bog, file: c.txt}',
      '  d: {pantry: big, file: c.txt}',
    ].join('\n')
    expect(await problemsOf({ 'larder.yaml': yaml, 'b.txt': 'ok', 'c.txt': 'bad' })).toEqual([
      'a.txt:1:1: not ok',
      'c.txt:1:1: not ok',
      'larder.yaml:1:7: "site": small letters, digits and hyphens make a name, at most 63 of them',
      'larder.yaml:2:1: "site" is given twice, first in line 1; expected each name once',
      'larder.yaml:3:27: "shelves" is "many"; expected a number',
      'larder.yaml:4:1: unknown section "jras"; expected one of site, pantries, jars: did you mean jars?',
      'larder.yaml:5:1: the section "images" is not supported by this version of Larder',
      'larder.yaml:8:15: no pantry bog',
      'larder.yaml:8:33: unknown name "lid"; expected one of pantry, file',
      'larder.yaml:9:15: no pantry bog',
    ])
  })

  it.each([
    [{}, 'larder.yaml:1:1: there is no such file; expected a file larder.yaml at the root of the repository'],
    [{ 'larder.yml': 'site: a' }, 'larder.yaml:1:1: there is no such file, but there is larder.yml; expected a file'],
    [{ 'larder.yaml': '' }, 'larder.yaml:1:1: the file is empty; expected a map (name: value)'],
    [{ 'larder.yaml': '- a' }, 'larder.yaml:1:1: the file is a list; expected a map (name: value)'],
    [{ 'larder.yaml': 'jars: {}' }, 'larder.yaml:1:1: "site" is missing; expected text'],
    [
      { 'larder.yaml': 'site: a\njars: [b]' },
      'larder.yaml:2:7: the section "jars" is a list; expected a map (name: value)',
    ],
    [{ 'larder.yaml': 'site: a\njars:' }, 'larder.yaml:2:6: the section "jars" is empty; expected a map (name: value)'],
    [{ 'larder.yaml': 'a: [' }, 'larder.yaml:1:'],
  ])('%j', async (files, problem) => {
    expect(await problemsOf(files as Record<string, string>)).toEqual([expect.stringContaining(problem)])
  })

  it('never throws for what is in the files', async () => {
    const line = fc.constantFrom(
      'site: a',
      'jars:',
      '  a: {pantry: b, file: f}',
      '  - x',
      'pantries: {b: 1}',
      '\t',
      '? ',
      'x',
    )
    const text = fc.oneof(
      fc.string(),
      fc.array(line, { maxLength: 8 }).map((lines) => lines.join('\n')),
    )
    await fc.assert(
      fc.asyncProperty(text, async (written) => {
        const result = await readSite(memoryFiles({ 'larder.yaml': written, f: written }), [jars])
        expect('site' in result || result.problems.length > 0).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('jsonSchemaOf', () => {
  it('describes larder.yaml with the sections of all kinds, shared ones too', () => {
    const schema = jsonSchemaOf('larder.yaml', [jars])
    expect(schema).toMatchObject({ type: 'object', required: ['site'], additionalProperties: false })
    expect(Object.keys(schema['properties'] as object)).toEqual(['site', 'pantries', 'jars'])
  })

  it('describes the files that kinds declare', () => {
    expect(schemaFiles([jars])).toEqual(['larder.yaml', 'jar.json'])
    expect(jsonSchemaOf('jar.json', [jars])).toMatchObject({ type: 'array', items: { type: 'string' } })
  })

  it.each([
    ['lids/round.yaml', true],
    ['lids/<name>.yaml', true],
    ['lids/.yaml', false],
    ['lids/a/b.yaml', false],
    ['lid/round.yaml', false],
    ['lids/round.yml', false],
  ])('%s is a file that a kind has several of: %s', (file, isOne) => {
    const lids: KindGrammar = { ...jars, fileSchemas: { 'lids/<name>.yaml': z.object({}) } }
    const schema = (): unknown => jsonSchemaOf(file, [lids])
    if (isOne) expect(schema()).toMatchObject({ title: `Larder: ${file}`, type: 'object' })
    else expect(schema).toThrow('There is no schema of')
  })

  it('names all that there are', () => {
    expect(() => jsonSchemaOf('nothing', [jars], { 'other.yaml': z.string() })).toThrow(
      expect.objectContaining({ hint: 'There are schemas of larder.yaml, jar.json, other.yaml.' }) as Error,
    )
  })

  it('knows no others', () => {
    expect(() => jsonSchemaOf('larder.yml', [jars])).toThrow(
      new LarderError('NOT_FOUND', {
        message: 'There is no schema of "larder.yml".',
        hint: 'Did you mean larder.yaml?',
      }),
    )
  })
})
