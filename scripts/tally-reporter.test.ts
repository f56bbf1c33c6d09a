import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { root, runTool } from './command.ts'
import type { Tally } from './tally-reporter.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-tally-'))
  mkdirSync(join(folder, 'src'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function runVitest(test: string, ci: boolean): Promise<{ exitCode: number; tally: Tally }> {
  writeFileSync(join(folder, 'src/a.test.ts'), `import { expect, test } from 'vitest'\n${test}\n`)
  const path = join(folder, 'tally.json')
  const args = ['run', '--config', join(root, 'vitest.config.ts'), '--root', folder, '--project', 'unit']
  const environment = { LARDER_TALLY: path, CI: String(ci) }
  const { exitCode } = await runTool('vitest/vitest.mjs', args, { folder, environment })
  return { exitCode, tally: JSON.parse(readFileSync(path, 'utf8')) as Tally }
}

const pass = `test('passes', () => { expect(1).toBe(1) })`
const named = (reason: string) => [{ name: 'src/a.test.ts > skips', reason }]

test.each<{ what: string; text: string; ci: boolean; exitCode: number; tally: Tally }>([
  { what: 'a pass', text: pass, ci: true, exitCode: 0, tally: { passed: 1, failed: [], skipped: [] } },
  {
    what: 'a failure',
    text: `${pass}; test('fails', () => { expect(1).toBe(2) })`,
    ci: false,
    exitCode: 1,
    tally: { passed: 1, failed: ['src/a.test.ts > fails: expected 1 to be 2 // Object.is equality'], skipped: [] },
  },
  {
    what: 'a property that does not hold',
    text: `import fc from 'fast-check'; test('fails', () => fc.assert(fc.property(fc.constant('b'), (x) => x === 'a'), { seed: 7 }))`,
    ci: false,
    exitCode: 1,
    tally: {
      passed: 0,
      failed: [
        'src/a.test.ts > fails: Property failed after 1 tests; { seed: 7, path: "0", endOnFailure: true }; Counterexample: ["b"]',
      ],
      skipped: [],
    },
  },
  {
    what: 'an error that no test waits for',
    text: `${pass}; void Promise.reject(new Error('nobody waits'))`,
    ci: false,
    exitCode: 1,
    tally: { passed: 1, failed: ['beside all tests: nobody waits'], skipped: [] },
  },
  {
    what: 'a file that breaks',
    text: `throw new Error('x')`,
    ci: false,
    exitCode: 1,
    tally: { passed: 0, failed: ['src/a.test.ts: x'], skipped: [] },
  },
  {
    what: 'a skip on a desk',
    text: `${pass}; test.skip('skips', () => {})`,
    ci: false,
    exitCode: 0,
    tally: { passed: 1, failed: [], skipped: named('no reason given') },
  },
  {
    what: 'a skip in CI',
    text: `${pass}; test('skips', (context) => context.skip('no rpm here'))`,
    ci: true,
    exitCode: 1,
    tally: { passed: 1, failed: ['src/a.test.ts > skips (skipped: no rpm here)'], skipped: [] },
  },
  {
    what: 'a skip in CI that says why it can never apply',
    text: `${pass}; test('skips', (context) => context.skip('cannot apply: no such signal on this system'))`,
    ci: true,
    exitCode: 0,
    tally: { passed: 1, failed: [], skipped: named('cannot apply: no such signal on this system') },
  },
])('$what', { timeout: 120_000 }, async ({ text, ci, exitCode, tally }) => {
  expect(await runVitest(text, ci)).toEqual({ exitCode, tally })
})
