import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { resolveClosure } from '../../src/rpm/closure.ts'
import { proveInstallable } from '../../src/rpm/installability.ts'
import { arbitraryPackages } from '../../src/rpm/testing/arbitrary-packages.ts'
import { primaryText } from '../../src/rpm/testing/primary-text.ts'
import { nevraOf, type PackageEntry, rpmUniverseOf } from '../../src/rpm/testing/rows-of.ts'

const python = '/usr/bin/python3'
const hasDnf = spawnSync(python, ['-c', 'import hawkey']).status === 0
const hasInstallcheck = spawnSync('installcheck').error === undefined
const must = process.env['CI'] === 'true'

const folder = mkdtempSync(join(tmpdir(), 'larder-rpm-closure-'))
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** What is installed with each package, by its name; null for one that cannot be installed. */
type Answers = Record<string, string[] | null>

describe.skipIf(!hasDnf && !must)("closures and dnf's solver [needs dnf]", () => {
  it.each([
    ['plain', false],
    ['rich', true],
  ])('%s dependencies: the same packages can be installed, and nearly always the same come along', (_, isRich) => {
    const arbitrary = arbitraryPackages({ maxLength: 9, architectures: ['x86_64', 'x86_64', 'noarch'], isRich })
    const universes = fc.sample(arbitrary, { numRuns: 400, seed: 5 }).map(withoutConditionalConflicts)
    const answers = askSolver(universes)
    const tally = { installable: 0, broken: 0, alike: 0 }
    universes.forEach((entries, place) => {
      const universe = rpmUniverseOf([entries])
      const broken = new Set(proveInstallable(universe, entries.keys()).map(({ row }) => row))
      entries.forEach((one, row) => {
        const expected = answers[place]?.[nevraOf(one)] ?? null
        expect({ one, entries, isInstallable: !broken.has(row) }).toEqual({
          one,
          entries,
          isInstallable: expected !== null,
        })
        if (expected === null) tally.broken++
        else tally.installable++
        if (expected !== null && closureOf(entries, one).join() === expected.join()) tally.alike++
      })
    })
    expect(Math.min(tally.installable, tally.broken)).toBeGreaterThan(500)
    // Which of several names is taken is a matter of taste.
    expect(tally.alike / tally.installable).toBeGreaterThan(0.97)
  })

  it('with 32 and 64 bits, what dnf can install can be installed', () => {
    const arbitrary = arbitraryPackages({ maxLength: 9, architectures: ['x86_64', 'i686', 'noarch'], isRich: false })
    const universes = fc.sample(arbitrary, { numRuns: 400, seed: 23 })
    const answers = askSolver(universes)
    const tally = { both: 0, dnfOnly: 0, oursOnly: 0 }
    universes.forEach((entries, place) => {
      const problems = proveInstallable(rpmUniverseOf([entries], ['x86_64', 'i686']), entries.keys())
      const broken = new Set(problems.map(({ row }) => row))
      entries.forEach((one, row) => {
        const isDnfs = answers[place]?.[nevraOf(one)] !== null
        if (isDnfs && !broken.has(row)) tally.both++
        else if (isDnfs) tally.dnfOnly++
        else if (!broken.has(row)) tally.oursOnly++
      })
    })
    expect(tally.dnfOnly).toBe(0)
    // dnf wants 32 bits of a package only in the version of its 64 bits, where it sees both; rpm does not.
    expect(tally.oursOnly / tally.both).toBeLessThan(0.05)
  })

  it('means by rich dependencies what rpm means', () => {
    const names = ['x', 'y', 'z']
    const subsets = Array.from({ length: 8 }, (_, mask) => names.filter((__, place) => (mask & (1 << place)) !== 0))
    const texts = [
      ...['(x and y)', '(x or y)', '(x if y)', '(x if y else z)', '(x unless y)', '(x unless y else z)'],
      ...['(x and y and z)', '(x or (y and z))', '(x and (y or z))', '((x and y) or (y and z))'],
      ...['(x if (y or z))', '(x if (y and z))', '((x or y) if z)', '((x and y) if z else x)'],
      ...['(x or (y if z))', '((x if y) and (y if z))', '(c with d)', '(c without d)', '(c with (d or e))'],
    ]
    const cases = texts.flatMap((text) =>
      (['requires', 'conflicts'] as const).flatMap((field) => subsets.map((there) => ({ text, field, there }))),
    )
    const universes = cases.map(({ text, field, there }): PackageEntry[] => [
      field === 'requires'
        ? { name: 'a', requires: [text, ...there] }
        : { name: 'a', requires: there, conflicts: [text] },
      ...there.map((name) => ({ name, provides: name === 'x' ? ['c', 'd'] : name === 'y' ? ['c'] : ['d', 'e'] })),
    ])
    const answers = askSolver(universes)
    const judged = cases.map((one, place) => ({ ...one, isTrue: answers[place]!['a-1-1.x86_64'] !== null }))
    expect(judged.filter(({ isTrue }) => isTrue).length).toBeGreaterThan(50)
    expect(
      universes.map(
        (entries) => !proveInstallable(rpmUniverseOf([entries]), entries.keys()).some(({ row }) => row === 0),
      ),
    ).toEqual(judged.map(({ isTrue }) => isTrue))
  })
})

describe.skipIf(!hasInstallcheck && !must)('closures and installcheck [needs libsolv-tools]', () => {
  it('agrees on what can be installed, and nothing in a closure is broken', () => {
    const arbitrary = arbitraryPackages({ maxLength: 14, architectures: ['x86_64'] })
    const universes = fc
      .sample(arbitrary, { numRuns: 60, seed: 11 })
      .map(withoutConditionalConflicts)
      .map(asDebianReads)
    let brokenCount = 0
    for (const entries of universes) {
      const broken = brokenIn(entries)
      brokenCount += broken.size
      const universe = rpmUniverseOf([entries])
      const problems = proveInstallable(universe, entries.keys())
      expect(new Set(problems.map(({ row }) => nevraOf(entries[row]!)))).toEqual(broken)
      const listed = entries.filter((one) => !broken.has(nevraOf(one))).map(listedOf)
      const held = Array.from(resolveClosure(universe, { listed }).rows, (row) => entries[row]!)
      expect(brokenIn(held)).toEqual(new Set())
    }
    expect(brokenCount).toBeGreaterThan(50)
  })
})

function closureOf(entries: readonly PackageEntry[], one: PackageEntry): string[] {
  const { rows } = resolveClosure(rpmUniverseOf([entries]), { listed: [listedOf(one)] })
  return Array.from(rows, (row) => nevraOf(entries[row]!)).sort()
}

function listedOf({ name, arch, evr = '1-1' }: PackageEntry): Parameters<typeof resolveClosure>[1]['listed'][number] {
  return {
    name,
    exclude: [],
    constraint: { operator: '=', version: evr },
    ...(arch === undefined ? {} : { architecture: arch }),
  }
}

/** What a package that conflicts under a condition means by itself is read in more than one way. */
function withoutConditionalConflicts(entries: readonly PackageEntry[]): PackageEntry[] {
  return entries.map((one) => ({ ...one, conflicts: (one.conflicts ?? []).filter((text) => !/if|unless/.test(text)) }))
}

/** Debian's libsolv compares as dpkg does: the same but for releases and versions that are left out. */
function asDebianReads(entries: readonly PackageEntry[]): PackageEntry[] {
  const complete = (texts: readonly string[] = []): string[] =>
    texts.map((text) => text.replace(/ (=|>=|<) (\d)(?!-)/g, ' $1 $2-1'))
  return entries.map((one) => ({
    ...one,
    requires: complete(one.requires),
    conflicts: complete(one.conflicts),
    obsoletes: complete(one.obsoletes),
    provides: complete(one.provides).map((text) => (text.includes(' ') ? text : `${text} = 1-1`)),
  }))
}

function askSolver(universes: readonly (readonly PackageEntry[])[]): Answers[] {
  const repomd = join(folder, 'repomd.xml')
  writeFileSync(repomd, '<repomd/>')
  const jobs = universes.map((entries, place) => {
    const primary = join(folder, `${place}-primary.xml.gz`)
    writePrimary(primary, entries)
    return `${JSON.stringify({ repomd, primary })}\n`
  })
  const script = join(import.meta.dirname, 'rpm-solver-judge.py')
  const { stdout, stderr } = spawnSync(python, [script], { input: jobs.join(''), maxBuffer: 1 << 26 })
  const answers = stdout.toString().trim().split('\n')
  expect(answers, stderr.toString()).toHaveLength(universes.length)
  return answers.map((line) => JSON.parse(line) as Answers)
}

function brokenIn(entries: readonly PackageEntry[]): Set<string> {
  const primary = join(folder, 'primary.xml.gz')
  writePrimary(primary, entries)
  const { stdout, stderr, status } = spawnSync('installcheck', ['x86_64', primary])
  expect(status, stderr.toString()).toBeLessThan(2)
  return new Set(Array.from(stdout.toString().matchAll(/^can't install (.*):$/gm), ([, name = '']) => name))
}

function writePrimary(path: string, entries: readonly PackageEntry[]): void {
  const packages = entries.map(({ arch = 'x86_64', evr = '1-1', ...one }) => ({
    ...one,
    evr,
    architecture: arch,
    provides: [...(one.provides ?? []), `${one.name} = ${evr}`],
  }))
  writeFileSync(path, gzipSync(primaryText(packages), { level: 1 }))
}
