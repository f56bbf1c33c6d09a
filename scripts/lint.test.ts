import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root, runTool } from './command.ts'

const effects = 'export const f = () => [new Date(), Date.now(), Math.random(), process.env]'

/** One small file for each rule of the house that is not a matter of taste, and the rules that it breaks. */
const cases: [path: string, text: string, rules: string[]][] = [
  ['src/core/type.ts', "export const n: number = 'x'", ['typescript/TS2322']],
  ['src/core/import.ts', "export { x } from './nowhere.ts'", ['typescript/TS2307']],
  ['src/core/unused.ts', 'export const f = () => { const x = 1 }', ['eslint/no-unused-vars', 'typescript/TS6133']],
  ['src/core/floating.ts', 'export function f() { Promise.resolve(1) }', ['typescript/no-floating-promises']],
  ['src/core/void.ts', 'export function f() { void Promise.resolve(1) }', ['typescript/no-floating-promises']],
  [
    'src/core/misused.ts',
    'export const f = (list: number[]) => list.forEach(async (n) => Promise.resolve(n))',
    ['typescript/no-misused-promises'],
  ],
  ['src/core/await.ts', 'export const f = async (n: number) => { await n }', ['typescript/await-thenable']],
  [
    'src/core/return.ts',
    'export const f = async () => { try { return Promise.reject(new Error()) } catch { return 1 } }',
    ['typescript/return-await'],
  ],
  ['src/core/throw.ts', "export function f() { throw 'x' }", ['typescript/only-throw-error']],
  ['src/core/any.ts', 'export const f = (x: any) => String(x)', ['typescript/no-explicit-any']],
  [
    'src/core/unsafe-value.ts',
    'export const f = (text: string) => { const x = JSON.parse(text); return Number(x) }',
    ['typescript/no-unsafe-assignment'],
  ],
  [
    'src/core/unsafe-value.test.ts',
    'export const f = (text: string) => { const x = JSON.parse(text); return Number(x) }',
    [],
  ],
  ['src/core/unsafe-return.ts', 'export const f = (text: string) => JSON.parse(text)', ['typescript/no-unsafe-return']],
  [
    'src/core/unsafe-member.ts',
    'export const f = (text: string) => String(JSON.parse(text).x())',
    ['typescript/no-unsafe-call', 'typescript/no-unsafe-member-access'],
  ],
  [
    'src/core/unsafe-argument.ts',
    'export const f = (text: string) => text.repeat(JSON.parse(text))',
    ['typescript/no-unsafe-argument'],
  ],
  [
    'src/core/switch.ts',
    "export function f(x: 'a' | 'b') { switch (x) { case 'a': return 1 } return 2 }",
    ['typescript/switch-exhaustiveness-check'],
  ],
  ['src/core/text.ts', 'export const f = (x: object) => `${x}`', ['typescript/restrict-template-expressions']],
  ['src/core/number.ts', 'export const f = (x: number) => `${x}`', []],
  ['src/core/sum.ts', "export const f = (x: number) => x + 'x'", ['typescript/restrict-plus-operands']],
  ['src/core/condition.ts', 'export const f = (x: object) => x ? 1 : 2', ['typescript/no-unnecessary-condition']],
  [
    'src/core/assertion.ts',
    'export const f = (x: number) => x as number',
    ['typescript/no-unnecessary-type-assertion'],
  ],
  ['src/core/equal.ts', 'export const f = (x: unknown) => x == 1', ['eslint/eqeqeq']],
  [
    'src/core/type-import.ts',
    "import { Stats } from 'node:fs'\nexport const f = (stats: Stats) => stats.size",
    ['typescript/consistent-type-imports'],
  ],
  ['src/core/readonly.ts', 'export class C { #x = 1; get x() { return this.#x } }', ['typescript/prefer-readonly']],
  ['src/core/now.ts', 'export const f = () => Date.now()', ['house/clock']],
  ['src/core/date.ts', 'export const f = () => new Date()', ['house/clock']],
  ['src/core/epoch.ts', 'export const f = () => new Date(0)', []],
  ['src/core/clock.ts', effects, ['house/environment', 'house/random']],
  ['src/core/dice.ts', 'export const f = () => Math.random()', ['house/random']],
  ['src/core/random.ts', effects, ['house/clock', 'house/environment']],
  ['src/core/env.ts', "export const f = () => process.env['HOME']", ['house/environment']],
  ['src/app/env.ts', effects, ['house/clock', 'house/random']],
  ['src/core/exec.ts', "import { exec } from 'node:child_process'\nexport const f = exec", ['house/shell']],
  ['src/core/exec-sync.ts', "import { execSync } from 'child_process'\nexport const f = execSync", ['house/shell']],
  ['src/core/exec-file.ts', "import { execFile } from 'node:child_process'\nexport const f = execFile", []],
  [
    'src/core/shell.ts',
    "import { spawn } from 'node:child_process'\nexport const f = () => spawn('ls', [], { shell: true })",
    ['house/shell'],
  ],
  ['src/core/default.ts', 'export default 1', ['house/default-export']],
  ['some.config.ts', 'export default process.env', []],
  ['scripts/some.ts', effects, []],
  ['src/core/params.ts', 'export const f = (a: 1, b: 1, c: 1, d: 1, e: 1) => [a, b, c, d, e]', ['eslint/max-params']],
  ['src/core/branches.ts', `export const f = (x: number) => ${'x > 1 || '.repeat(15)}x > 2`, ['eslint/complexity']],
  ['src/core/long.ts', '\n'.repeat(250) + 'export {}\n', ['eslint/max-lines']],
  ['src/core/long.test.ts', '\n'.repeat(250) + effects, []],
  ['src/core/testing/long.ts', '\n'.repeat(250) + effects, []],
  ['src/core/long-function.ts', `export function f() {${'\n'.repeat(60)}}`, ['eslint/max-lines-per-function']],
  ['src/core/console.ts', "export const f = () => console.log('x')", ['eslint/no-console']],
  ['src/core/excused.ts', "// oxlint-disable-next-line no-console\nexport const f = () => console.log('x')", []],
  ['src/core/excuse.ts', '// oxlint-disable-next-line no-console\nexport const x = 1', ['unused excuse']],
  [
    'src/core/other.ts',
    "// eslint-disable-next-line no-console\nexport const f = () => console.log('x')",
    ['eslint/no-console'],
  ],
]

interface Diagnostic {
  filename: string
  /** `plugin(rule)`; none where a comment excuses what is not there. */
  code?: string
  message: string
}

let folder: string
let diagnostics: Diagnostic[]

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'larder-lint-'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  write('package.json', '{ "type": "module" }')
  write('tsconfig.json', JSON.stringify({ extends: join(root, 'tsconfig.json'), include: ['.'] }))
  for (const [path, text] of cases) write(path, text)
  // A copy: what the configuration says of folders holds from where it lies.
  for (const path of ['oxlint.config.ts', 'scripts/house-rules.ts']) copyFileSync(join(root, path), join(folder, path))
  const { output } = await runTool('oxlint/bin/oxlint', ['--format', 'json'], { folder })
  diagnostics = (JSON.parse(output) as { diagnostics: Diagnostic[] }).diagnostics
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}

/** As `plugin/rule`, each once. */
function rulesBrokenBy(path: string): string[] {
  const broken = diagnostics.filter(({ filename }) => filename === path)
  return [...new Set(broken.map(({ code }) => code?.replace(/\((.+)\)/, '/$1') ?? 'unused excuse'))].sort()
}

const tried = new Set(cases.flatMap(([, , rules]) => rules))

test.each(cases)('%s', (path, _text, rules) => {
  // Other rules may have something to say as well; of these, all and no others.
  expect(rulesBrokenBy(path).filter((rule) => tried.has(rule))).toEqual(rules)
})

test.each([
  ['src/core/now.ts', 'Clock that is handed in'],
  ['src/core/dice.ts', 'a random source handed in'],
  ['src/core/env.ts', 'Only app/ reads the environment'],
  ['src/core/shell.ts', 'argument arrays'],
  ['src/core/exec.ts', 'execFile or spawn with an argument array'],
  ['src/core/default.ts', 'one name for one thing'],
])('what is told of %s says what to do instead', (path, instead) => {
  const told = diagnostics.filter(({ filename, code }) => filename === path && code?.startsWith('house(') === true)
  expect(told.map(({ message }) => message)).toEqual([expect.stringContaining(instead)])
})

test('this configuration and the rules of the house pass by themselves', () => {
  expect(diagnostics.filter(({ filename }) => /oxlint|house-rules/.test(filename))).toEqual([])
})
