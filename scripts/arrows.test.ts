import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { root, runTool } from './command.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-arrows-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Broken rules as `rule: from → to`, of a project that has only these files. */
async function violations(files: Record<string, string>): Promise<string[]> {
  for (const [path, text] of Object.entries({ 'tsconfig.json': '{}', ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const { output } = await runTool(
    'dependency-cruiser/bin/dependency-cruiser.mjs',
    ['--config', join(root, '.dependency-cruiser.mjs'), '--output-type', 'json', 'src'],
    { folder },
  )
  const report = JSON.parse(output) as {
    summary: { violations: { rule: { name: string }; from: string; to: string }[] }
  }
  return report.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`).sort()
}

const packageFiles = (name: string) => ({
  [`node_modules/${name}/package.json`]: `{ "name": "${name}", "version": "1.0.0", "main": "index.js" }`,
  [`node_modules/${name}/index.js`]: 'exports.x = 1',
})

test.each<{ rule: string; files: Record<string, string>; expected: string[] }>([
  {
    rule: 'a room may not import one to its right',
    files: {
      'src/store/blob.ts': `import { x } from '../apt/index.ts'; export const y = x`,
      'src/apt/index.ts': 'export const x = 1',
    },
    expected: ['room-store: src/store/blob.ts → src/apt/index.ts'],
  },
  {
    rule: 'a type is an arrow too',
    files: {
      'src/mirror/kind.ts': `import type { X } from '../apt/index.ts'; export type Y = X`,
      'src/apt/index.ts': 'export type X = 1',
    },
    expected: ['room-mirror: src/mirror/kind.ts → src/apt/index.ts'],
  },
  {
    rule: 'outsiders import the index only',
    files: {
      'src/store/blob.ts': `import { x } from '../core/clock.ts'; export const y = x`,
      'src/core/clock.ts': 'export const x = 1',
    },
    expected: ['index-only: src/store/blob.ts → src/core/clock.ts'],
  },
  {
    rule: 'insiders do not import the index',
    files: {
      'src/core/clock.ts': `import { x } from './index.ts'; export const y = x`,
      'src/core/index.ts': 'export const x = 1',
    },
    expected: ['index-not-from-inside: src/core/clock.ts → src/core/index.ts'],
  },
  {
    rule: 'no cycles',
    files: {
      'src/core/a.ts': `import { b } from './b.ts'; export const a = () => b`,
      'src/core/b.ts': `import { a } from './a.ts'; export const b = () => a`,
    },
    expected: ['no-cycles: src/core/a.ts → src/core/b.ts'],
  },
  {
    rule: 'a room must be known',
    files: {
      'src/utils/index.ts': `import { x } from '../core/index.ts'; export const y = x`,
      'src/core/index.ts': 'export const x = 1',
    },
    expected: ['room-unknown: src/utils/index.ts → src/core/index.ts'],
  },
  {
    rule: 'one way to the network',
    files: { 'src/apt/get.ts': `import { x } from 'undici'; export const y = x`, ...packageFiles('undici') },
    expected: ['gate-undici: src/apt/get.ts → node_modules/undici/index.js'],
  },
  {
    rule: 'one way to the database',
    files: { 'src/store/rows.ts': `import { DatabaseSync } from 'node:sqlite'; export const y = DatabaseSync` },
    expected: ['gate-sqlite: src/store/rows.ts → node:sqlite'],
  },
  {
    rule: 'the product does not need its tests',
    files: {
      'src/core/a.ts': `import { x } from './a.test.ts'; export const a = x`,
      'src/core/a.test.ts': 'export const x = 1',
    },
    expected: ['product-without-tests: src/core/a.ts → src/core/a.test.ts'],
  },
  {
    rule: 'nothing is said of what is right, nor of tests',
    files: {
      'src/core/index.ts': `export { x } from './x.ts'`,
      'src/core/x.ts': 'export const x = 1',
      'src/state/database.ts': `import { DatabaseSync } from 'node:sqlite'; export const y = DatabaseSync`,
      'src/apt/use.ts': `import { x } from '../core/index.ts'; export const y = x`,
      'src/core/x.test.ts': `import { y } from '../apt/use.ts'; export const z = y`,
    },
    expected: [],
  },
])('$rule', { timeout: 120_000 }, async ({ files, expected }) => {
  expect(await violations(files)).toEqual(expected)
})

test('what no room does, it may not do either', async () => {
  const { rooms } = (await import(join(root, '.dependency-cruiser.mjs'))) as {
    rooms: Record<string, { may: string[] }>
  }
  const allowed = Object.entries(rooms).flatMap(([room, { may }]) => may.map((other) => `${room} → ${other}`))
  const used = new Set(Object.keys(rooms).flatMap((room) => importsOf(room).map((other) => `${room} → ${other}`)))
  expect(allowed.filter((arrow) => !used.has(arrow))).toEqual([])
})

/** Rooms that the files of a room import, but for its tests. */
function importsOf(room: string): string[] {
  const folder = join(root, 'src', room)
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const files = names.filter((name) => name.endsWith('.ts') && !/[.](test|contract)[.]ts$|^testing\//.test(name))
  const text = files.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n')
  return [...text.matchAll(/(?:from|import\()\s*'(?:\.\.\/)+(\w+)\/index\.ts'/g)].map(([, other = '']) => other)
}
