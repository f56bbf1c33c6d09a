import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root, runTool } from './command.ts'

/** One small file for each rule of the house that is not a matter of taste, and the rules that it breaks. */
const cases: [path: string, text: string, rules: string[]][] = [
  ['src/core/floating.ts', 'export function f() { Promise.resolve(1) }', ['@typescript-eslint/no-floating-promises']],
  ['src/core/void.ts', 'export function f() { void Promise.resolve(1) }', ['@typescript-eslint/no-floating-promises']],
  [
    'src/core/misused.ts',
    'export const f = (list: number[]) => list.filter(async (n) => Promise.resolve(n > 1))',
    ['@typescript-eslint/no-misused-promises'],
  ],
  ['src/core/await.ts', 'export const f = async (n: number) => { await n }', ['@typescript-eslint/await-thenable']],
  ['src/core/any.ts', 'export const f = (x: any) => String(x)', ['@typescript-eslint/no-explicit-any']],
  [
    'src/core/switch.ts',
    "export function f(x: 'a' | 'b') { switch (x) { case 'a': return 1 } return 2 }",
    ['@typescript-eslint/switch-exhaustiveness-check'],
  ],
  ['src/core/now.ts', 'export const f = () => Date.now()', ['no-restricted-syntax']],
  ['src/core/date.ts', 'export const f = () => new Date()', ['no-restricted-syntax']],
  ['src/core/epoch.ts', 'export const f = () => new Date(0)', []],
  ['src/core/clock.ts', 'export const f = () => [new Date(), Date.now()]', []],
  ['src/core/dice.ts', 'export const f = () => Math.random()', ['no-restricted-syntax']],
  ['src/core/env.ts', "export const f = () => process.env['HOME']", ['no-restricted-syntax']],
  ['src/app/env.ts', "export const f = () => process.env['HOME']", []],
  ['src/core/exec.ts', "import { exec } from 'node:child_process'\nexport const f = exec", ['no-restricted-syntax']],
  ['src/core/exec-file.ts', "import { execFile } from 'node:child_process'\nexport const f = execFile", []],
  [
    'src/core/shell.ts',
    "import { spawn } from 'node:child_process'\nexport const f = () => spawn('ls', [], { shell: true })",
    ['no-restricted-syntax'],
  ],
  ['src/core/default.ts', 'export default 1', ['no-restricted-syntax']],
  ['src/core/params.ts', 'export const f = (a: 1, b: 1, c: 1, d: 1, e: 1) => [a, b, c, d, e]', ['max-params']],
  ['src/core/long.ts', '\n'.repeat(250) + 'export {}\n', ['max-lines']],
  ['src/core/long.test.ts', '\n'.repeat(250) + 'export const f = () => [new Date(), process.env, Math.random()]\n', []],
  ['src/core/long-function.ts', `export function f() {${'\n'.repeat(60)}}`, ['max-lines-per-function']],
  ['src/core/console.ts', "export const f = () => console.log('x')", ['no-console']],
]

let folder: string
const found = new Map<string, string[]>()

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'larder-lint-'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: join(root, 'tsconfig.json'), include: ['src'] }),
  )
  for (const [path, text] of cases) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const { output } = await runTool(
    'eslint/bin/eslint.js',
    ['--config', join(root, 'eslint.config.ts'), '--format', 'json', 'src'],
    { folder },
  )
  for (const file of JSON.parse(output) as { filePath: string; messages: { ruleId: string | null }[] }[]) {
    const rules = new Set(file.messages.map((message) => message.ruleId ?? 'not parsed'))
    found.set(relative(folder, file.filePath), [...rules])
  }
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each(cases)('%s', (path, _text, rules) => {
  // Other rules may have something to say as well; of these, all and no others.
  const told = found.get(path)?.filter((rule) => rules.includes(rule) || houseRules.has(rule))
  expect(told).toEqual(rules)
})

const houseRules = new Set(cases.flatMap(([, , rules]) => rules).concat('not parsed'))
