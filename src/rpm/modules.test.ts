import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { isLarderError } from '../core/index.ts'
import { cutModules, parseModules } from './modules.ts'

const nodejs = `---
document: modulemd
version: 2
data:
  name: nodejs
  stream: 1.10
  version: 8040020210708154809
  context: 522a0ee4
  arch: x86_64
  summary: Javascript runtime
  description: >-
    Text --- with a marker
     --- that is none
  dependencies:
  - buildrequires: {platform: [el8.4.0]}
    requires:
      platform: [el8]
      python: ["3.9", -2.7]
      perl: []
  artifacts:
    rpms:
    - nodejs-1:14.17.3-2.module+el8.4.0.x86_64
    - npm-1:6.14.13-1.14.17.3.2.module+el8.4.0.x86_64
...
`
const other = nodejs.replace('name: nodejs', 'name: perl').replace('1.10', '"5.30"')
const defaults =
  '---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: nodejs\n  stream: 10\n  profiles: {10: [common]}\n'
const obsoletes = '--- \ndocument: modulemd-obsoletes\ndata: {module: perl, stream: "5.30", message: gone}\n'
const strange = '---\ndocument: something-new\ndata: 1\n'
const whole = Buffer.from(nodejs + other + defaults + obsoletes + strange)

test('streams as text, artifacts, what they need; defaults', async () => {
  const { builds, defaults: byModule, documents } = await parseModules(whole)
  expect(builds[0]).toEqual({
    module: 'nodejs',
    stream: '1.10',
    version: '8040020210708154809',
    context: '522a0ee4',
    architecture: 'x86_64',
    artifacts: ['nodejs-1:14.17.3-2.module+el8.4.0.x86_64', 'npm-1:6.14.13-1.14.17.3.2.module+el8.4.0.x86_64'],
    requires: { python: ['3.9'], perl: [] },
  })
  expect(builds[1]).toMatchObject({ module: 'perl', stream: '5.30' })
  expect(byModule).toEqual({ nodejs: '10' })
  expect(documents.map(({ kind, module }) => `${kind} ${module}`)).toEqual([
    'stream nodejs',
    'stream perl',
    'defaults nodejs',
    'obsoletes perl',
    'other ',
  ])
  expect(Buffer.concat(documents.map(({ bytes }) => bytes)).equals(whole)).toBe(true)
})

test('modulemd 1, and a file with no line that begins its only document', async () => {
  const text =
    'document: modulemd\nversion: 1\ndata:\n  name: a\n  stream: b\n  version: 1\n  dependencies: {requires: {platform: f28, c: d}}'
  const modules = await parseModules(Buffer.from(text))
  expect(modules.builds[0]).toMatchObject({ module: 'a', context: '', artifacts: [], requires: { c: ['d'] } })
  expect(cutModules([modules], () => true)!.toString()).toBe(`---\n${text}\n`)
})

describe('what is kept', () => {
  it('is the builds that are chosen, with what is said of their modules, byte for byte', async () => {
    const modules = await parseModules(whole)
    expect(cutModules([modules], ({ module }) => module === 'nodejs')!.toString()).toBe(nodejs + defaults)
    expect(cutModules([modules], () => true)!.toString()).toBe(nodejs + other + defaults + obsoletes)
    expect(cutModules([modules], () => false)).toBeUndefined()
  })

  it('of two upstreams is there once', async () => {
    const files = await Promise.all([parseModules(whole), parseModules(Buffer.from(other + defaults))])
    expect(cutModules(files, () => true)!.toString()).toBe(nodejs + other + defaults + obsoletes)
  })
})

describe('what is refused', () => {
  const bomb = `a: &a [x,x]\n${Array.from({ length: 30 }, (_, i) => `b${i}: &b${i} [*${i === 0 ? 'a' : `b${i - 1}`},*${i === 0 ? 'a' : `b${i - 1}`}]`).join('\n')}`
  it.each([
    ['prose', 'Not found'],
    ['a list', '- a'],
    ['no YAML', 'a: [b'],
    ['a key twice', `${nodejs.replace('...\n', '')}document: modulemd\n`],
    ['a build without a name', nodejs.replace('name: nodejs', 'nam: nodejs')],
    ['a stream with a colon', nodejs.replace('1.10', '"a:b"')],
    ['a version that is none', nodejs.replace('8040020210708154809', 'x')],
    ['defaults of nothing', '---\ndocument: modulemd-defaults\ndata: {}'],
    ['aliases of aliases', `---\ndocument: modulemd\n${bomb}`],
    ['very many brackets', '['.repeat(500_000)],
    ['lists in lists', '- '.repeat(500_000)],
  ])('%s', async (_, text) => {
    await expect(parseModules(Buffer.from(`${other}---\n${text}`))).rejects.toMatchObject({
      code: 'RPM_MODULES_MALFORMED',
    })
  })

  it('tells where', async () => {
    await expect(parseModules(Buffer.from(`${nodejs}---\nx`))).rejects.toThrow(
      `document at line ${nodejs.split('\n').length} `,
    )
  })
})

test('nothing at all', async () => {
  expect(await parseModules(Buffer.from('\n'))).toEqual({ builds: [], defaults: {}, documents: [] })
})

test('some bytes changed: modules or a LarderError', async () => {
  const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 9, max: 126 })), { maxLength: 6 })
  const any = fc.string({ unit: 'binary-ascii', maxLength: 100 })
  await fc.assert(
    fc.asyncProperty(fc.oneof(changes, any), async (change) => {
      const bytes = typeof change === 'string' ? Buffer.from(change) : Buffer.from(whole)
      if (typeof change !== 'string') for (const [at, value] of change) bytes[at] = value
      try {
        cutModules([await parseModules(bytes)], () => true)
      } catch (error) {
        expect(isLarderError(error, 'RPM_MODULES_MALFORMED')).toBe(true)
      }
    }),
    { numRuns: 300 },
  )
})
