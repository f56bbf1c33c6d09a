import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compareVersions } from '../../src/rpm/version.ts'

const pairCount = 120_000
const hasRpm = spawnSync('rpm', ['--version']).status === 0
const must = process.env['CI'] === 'true'

const word = fc.constantFrom('0', '00', '1', '01', '9', '10', 'a', 'b', 'Z', 'rc', '.', '+', '_', '~', '~~', '^', '^git', '99999999999999999999', '1.2') // prettier-ignore
const version = fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => words.join(''))
/** Half of the pairs differ in one place only: random ones are decided by their first character. */
const near = fc.tuple(version, fc.nat(), word).map(([text, at, inserted]): [string, string] => {
  const cut = at % (text.length + 1)
  return [text, `${text.slice(0, cut)}${inserted}${text.slice(cut)}`]
})

it.skipIf(!hasRpm && !must)(`compareVersions orders ${pairCount} pairs as rpm does [needs rpm]`, () => {
  const pairs = fc.sample(fc.oneof(near, fc.tuple(version, version)), { numRuns: pairCount, seed: 3 })
  const folder = mkdtempSync(join(tmpdir(), 'larder-rpm-version-'))
  try {
    const [input, script] = [join(folder, 'pairs'), join(folder, 'compare.lua')]
    writeFileSync(input, pairs.map((pair) => `${pair.join('\t')}\n`).join(''))
    writeFileSync(
      script,
      `for line in io.lines("${input}") do local a, b = line:match("^(.-)\\t(.*)$"); io.stdout:write(rpm.vercmp(a, b), "\\n") end\n`,
    )
    const { stdout, stderr } = spawnSync('rpm', ['--eval', `%{lua: dofile("${script}")}`], { maxBuffer: 1 << 26 })
    const answers = stdout.toString().trim().split('\n').map(Number)
    expect(answers, stderr.toString()).toHaveLength(pairCount)
    for (const order of [-1, 0, 1]) expect(answers.filter((answer) => answer === order).length).toBeGreaterThan(1000)
    expect(pairs.filter(([a, b], index) => Math.sign(compareVersions(a, b)) !== answers[index])).toEqual([])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
