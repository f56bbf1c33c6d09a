import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDependency } from '../../src/rpm/parse-dependency.ts'
import { formatDependency, isRich, overlaps, type Capability, type Expression } from '../../src/rpm/relation.ts'
import { makeRpm } from '../../src/rpm/testing/make-rpm.ts'

const hasRpm = spawnSync('rpm', ['--version']).status === 0
const must = process.env['CI'] === 'true'

const sign = fc.constantFrom('<', '<=', '=', '>=', '>')
const evr = fc
  .tuple(
    fc.constantFrom('', '', '0:', '1:'),
    fc.constantFrom('1', '1.0', '2', '1~rc1', '1^git', '1.a'),
    fc.constantFrom('', '', '-1', '-2', '-1.el9'),
  )
  .map((parts) => parts.join(''))
const versions = fc.oneof(
  { weight: 9, arbitrary: fc.tuple(sign, evr).map((parts) => ` ${parts.join(' ')}`) },
  { weight: 1, arbitrary: fc.constant('') },
)

describe.skipIf(!hasRpm && !must)('dependencies as rpm understands them [needs rpm]', () => {
  it('overlaps says of 10,000 pairs what rpm says', () => {
    const pairs = fc.sample(fc.tuple(versions, versions), { numRuns: 10_000, seed: 5 })
    const provides = pairs.map(([offered], index) => `p${index}${offered}`)
    const requires = pairs.map(([, wanted], index) => `p${index}${wanted}`)
    const missing = askRpm([provides], requires)
    expect(missing.size).toBeGreaterThan(1000)
    expect(missing.size).toBeLessThan(9000)
    const different = pairs.flatMap((_, index) => {
      const [provided, required] = [provides[index]!, requires[index]!]
      const answer = overlaps(parseDependency(provided) as Capability, parseDependency(required) as Capability)
      return answer === missing.has(required) ? [`${provided} for ${required}: ${answer}`] : []
    })
    expect(different).toEqual([])
  })

  it('rich dependencies are read, and written, so that they mean what they mean to rpm', () => {
    const offers = [
      ['a', 'b = 1', 'both'],
      ['c = 2', 'd', 'both'],
    ]
    const drawn = fc.sample(rich, { numRuns: 2000, seed: 6 }).map((each) => formatDependency(parseDependency(each)))
    const texts = [...new Set(drawn)].map((text, index) => `(never-${index} or ${text})`)
    const missing = askRpm(offers, texts)
    const packages = offers.map((all) => all.map((text) => parseDependency(text) as Capability))
    expect(missing.size).toBeGreaterThan(texts.length / 10)
    expect(missing.size).toBeLessThan((texts.length * 9) / 10)
    expect(texts.filter((text) => isTrue(parseDependency(text), packages) === missing.has(text))).toEqual([])
  })
})

const atom = fc.constantFrom('a', 'b = 1', 'b > 1', 'c', 'c >= 2', 'c < 2', 'd', 'both', 'absent', 'none(x) = 1')
/** `with` and `without` take only names, and each other, and `or`: so does rpm. */
const { ofOne } = fc.letrec<{ ofOne: string; one: string }>((tie) => ({
  one: fc.oneof({ maxDepth: 2 }, atom, tie('ofOne')),
  ofOne: fc.oneof(
    fc.array(tie('one'), { minLength: 2, maxLength: 3 }).map((all) => `(${all.join(' with ')})`),
    fc.tuple(tie('one'), tie('one')).map((all) => `(${all.join(' without ')})`),
  ),
}))
const { rich } = fc.letrec<{ rich: string; any: string }>((tie) => ({
  any: fc.oneof({ maxDepth: 3 }, atom, ofOne, tie('rich')),
  rich: fc.oneof(
    fc.array(tie('any'), { minLength: 2, maxLength: 4 }).map((all) => `(${all.join(' and ')})`),
    fc.array(tie('any'), { minLength: 2, maxLength: 4 }).map((all) => `(${all.join('  or ')} )`),
    fc.tuple(tie('any'), tie('any')).map((all) => `(${all.join(' if ')})`),
    fc.tuple(tie('any'), tie('any'), tie('any')).map(([a, b, c]) => `(${a} if ${b} else ${c})`),
    fc.tuple(tie('any'), tie('any')).map((all) => `( ${all.join(' unless ')})`),
    fc.tuple(tie('any'), tie('any'), tie('any')).map(([a, b, c]) => `(${a} unless ${b} else ${c})`),
    ofOne,
  ),
}))

function isTrue(expression: Expression, packages: readonly Capability[][]): boolean {
  if (!isRich(expression)) return packages.some((all) => all.some((offer) => overlaps(offer, expression)))
  const { operator, operands, otherwise } = expression
  const [first, second] = operands as [Expression, Expression]
  if (operator === 'and') return operands.every((each) => isTrue(each, packages))
  if (operator === 'or') return operands.some((each) => isTrue(each, packages))
  if (operator === 'with') return packages.some((one) => operands.every((each) => isTrue(each, [one])))
  if (operator === 'without') return packages.some((one) => isTrue(first, [one]) && !isTrue(second, [one]))
  const chosen = isTrue(second, packages) === (operator === 'if') ? first : otherwise
  return chosen === undefined ? operator === 'if' : isTrue(chosen, packages)
}

/** Which of the requirements of one package the others do not meet. */
function askRpm(offers: readonly (readonly string[])[], requires: readonly string[]): Set<string> {
  const folder = mkdtempSync(join(tmpdir(), 'larder-rpm-relation-'))
  try {
    mkdirSync(join(folder, 'root'))
    const wanting = makeRpm({ name: 'wanting', version: '1', architecture: 'noarch', requires })
    const all = [...offers.map((provides, index) => makeRpm({ name: `offer-${index}`, version: '1', architecture: 'noarch', provides })), wanting] // prettier-ignore
    const paths = all.map((_, index) => join(folder, `${index}.rpm`))
    all.forEach((bytes, index) => writeFileSync(paths[index]!, bytes))
    const flags = ['--root', join(folder, 'root'), '--dbpath', '/database', '--nosignature', '-i', '--test']
    const { stderr } = spawnSync('rpm', [...flags, ...paths], { maxBuffer: 1 << 26 })
    const missing = [...stderr.toString().matchAll(/^\t(.*) is needed by wanting-1-1\.noarch$/gm)].map(([, text]) => text!) // prettier-ignore
    expect(missing.length, stderr.toString().slice(0, 1000)).toBeGreaterThan(0)
    return new Set(missing)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
