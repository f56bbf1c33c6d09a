import { execFileSync, spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareVersions, isVersion, satisfies } from '../../src/apt/version.ts'

/** dpkg itself costs a process for each pair; Dpkg::Version, from the same source package, takes them all in one. */
const pairsForPerl = 120_000
const pairsForDpkg = 3_000

const hasPerlModule = spawnSync('perl', ['-MDpkg::Version', '-e', '1']).status === 0
const hasDpkg = spawnSync('dpkg', ['--version']).status === 0
const must = process.env['CI'] === 'true'

const word = fc.constantFrom(
  '0',
  '00',
  '1',
  '01',
  '9',
  '10',
  'a',
  'b',
  'Z',
  'rc',
  '.',
  '+',
  '~',
  '~~',
  '-',
  '99999999999999999999',
  '1.2',
)
const upstream = fc
  .tuple(fc.integer({ min: 0, max: 3 }), fc.array(word, { maxLength: 4 }))
  .map(([first, rest]) => `${first}${rest.join('')}`)
const revision = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join('').replaceAll('-', ''))
const version = fc
  .tuple(fc.constantFrom('', '', '', '0:', '1:', '02:'), upstream, fc.option(revision))
  .map(([epoch, first, last]) => `${epoch}${first.replace(/-$/, '')}${last === null || last === '' ? '' : `-${last}`}`)
/** Half of the pairs differ in one place only: random ones are decided by their first character. */
const near = fc.tuple(version, fc.nat(), word).map(([text, at, inserted]): [string, string] => {
  const cut = text.indexOf(':') + 2 + (at % text.length)
  return [text, `${text.slice(0, cut)}${inserted === '-' ? '' : inserted}${text.slice(cut)}`.replace(/-$/, '')]
})
const pair = fc.oneof(near, fc.tuple(version, version)).filter((drawn) => drawn.every(isVersion))

const operators = { lt: '<<', le: '<=', eq: '=', ge: '>=', gt: '>>' } as const
type Word = keyof typeof operators
const words = Object.keys(operators) as Word[]

interface Question {
  a: string
  b: string
  word: Word
}

/** Those questions that dpkg answers otherwise than we do. */
function disputedByDpkg(questions: readonly Question[]): Question[] {
  // The shell only reads words of the version alphabet from its input and hands them on as arguments.
  const script = 'while read -r a o b; do dpkg --compare-versions "$a" "$o" "$b"; echo $?; done'
  const input = questions.map(({ a, b, word }) => `${a} ${word} ${b}\n`).join('')
  const { stdout } = spawnSync('sh', ['-c', script], { input, maxBuffer: 1 << 26 })
  const answers = stdout.toString().split('\n').slice(0, -1)
  expect(answers).toHaveLength(questions.length)
  return questions.filter(({ a, b, word }, index) => satisfies(a, operators[word], b) !== (answers[index] === '0'))
}

describe('compareVersions', () => {
  it.skipIf(!hasPerlModule && !must)(`orders ${pairsForPerl} pairs as Dpkg::Version does [needs libdpkg-perl]`, () => {
    const pairs = fc.sample(pair, { numRuns: pairsForPerl, seed: 2 })
    const program = 'while (<STDIN>) { chomp; my ($a, $b) = split /\\t/; print version_compare($a, $b), "\\n" }'
    const input = pairs.map(([a, b]) => `${a}\t${b}\n`).join('')
    const output = execFileSync('perl', ['-MDpkg::Version', '-e', program], { input, maxBuffer: 1 << 26 }).toString()
    const answers = output.trimEnd().split('\n').map(Number)
    expect(answers).toHaveLength(pairsForPerl)
    expect(answers.filter((answer) => answer === 0).length).toBeGreaterThan(1000)
    // Perl compares runs of more than 15 digits as floating point; where it differs, dpkg decides.
    const disputed = pairs.filter(([a, b], index) => compareVersions(a, b) !== answers[index])
    expect(disputed.filter((drawn) => !drawn.some((text) => /\d{16}/.test(text)))).toEqual([])
    const questions = disputed.flatMap(([a, b]) => words.map((word) => ({ a, b, word })))
    expect(disputedByDpkg(questions)).toEqual([])
  })

  it.skipIf(!hasDpkg && !must)(`orders ${pairsForDpkg} pairs as dpkg does [needs dpkg]`, () => {
    const pairs = fc.sample(pair, { numRuns: pairsForDpkg, seed: 3 })
    const questions = pairs.map(([a, b], index) => ({ a, b, word: words[index % words.length] ?? 'eq' }))
    expect(disputedByDpkg(questions)).toEqual([])
  })
})
