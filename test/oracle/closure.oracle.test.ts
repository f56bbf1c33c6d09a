import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resolveClosure } from '../../src/apt/closure.ts'
import { Cones } from '../../src/apt/closure/cone.ts'
import { worldOf } from '../../src/apt/closure/world.ts'
import { proveInstallable } from '../../src/apt/installability.ts'
import type { Universe } from '../../src/apt/universe.ts'
import { isLarderError } from '../../src/core/index.ts'
import { makeStanza, makeSyntheticIndex } from '../fixtures/synthetic-index.ts'
import { universeOf } from '../fixtures/universe-of.ts'

const run = promisify(execFile)
const limits = { maxBuffer: 1 << 28, encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } } as const

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-oracle-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const hasDose = isThere('dose-debcheck')
if (!hasDose && process.env['CI'] === 'true') throw new Error('dose-debcheck is missing: install dose-distcheck')
if (!hasDose) console.warn('SKIPPED: the closure against dose-debcheck, since dose-distcheck is not installed')

describe.skipIf(!hasDose)('made-up universes, judged by dose-debcheck', () => {
  it.each([
    { title: 'one architecture', architectures: ['amd64', 'all'], conflicts: 0.25, universes: 250 },
    { title: 'many conflicts', architectures: ['amd64', 'all'], conflicts: 0.6, universes: 250 },
    { title: 'two architectures', architectures: ['amd64', 'i386', 'all'], conflicts: 0.25, universes: 250 },
  ])('$title: the same packages are not installable', async ({ title, architectures, conflicts, universes }) => {
    // dose takes `:any` as if it were not there; dpkg and apt do not: see below.
    const text = manyUniverses(universes, { architectures, conflicts }).replaceAll(':any', '')
    const universe = await universeOf([{ upstream: 'a', text }], architectures.slice(0, -1))
    const rows = Array.from({ length: universe.rowCount }, (_, row) => row)
    const world = worldOf(universe, 'amd64')
    const cones = new Cones({ world, isAllowed: () => true }, rows)
    const broken = rows.filter((row) => cones.solve(row).kind !== 'installable').map((row) => identify(universe, row))
    const judged = await brokenByDose(join(folder, title), text, architectures.slice(1, -1))
    expect(broken.length).toBeGreaterThan(100)
    expect(broken.length).toBeLessThan(rows.length - 100)
    expect([...broken, ...harsher(title)].toSorted()).toEqual(judged.toSorted())
  })

  it('what is resolved together is installable, every package of it', async () => {
    const text = manyUniverses(300, { architectures: ['amd64', 'all'], conflicts: 0.4 })
    const universe = await universeOf([{ upstream: 'a', text }])
    const rows = Array.from({ length: universe.rowCount }, (_, row) => row)
    const wanted = [{ world: worldOf(universe, 'amd64'), rows }]
    const broken = new Set(proveInstallable(universe, wanted).map(({ row }) => universe.name(row)))
    const listed = [...universe.packageNames()]
      .filter((name) => !broken.has(name))
      .map((name) => ({ name, exclude: [] }))
    const closure = resolveClosure(universe, { listed, recommends: true })
    expect(closure.rows.length).toBeLessThan(universe.rowCount)
    const held = Array.from(closure.rows, (row) => universe.stanza(row).toString()).join('\n')
    expect(await brokenByDose(join(folder, 'closure'), held, [])).toEqual([])
  })

  it('of two architectures, machines of each can install all that is there for them', async () => {
    const architectures = ['amd64', 'i386']
    const text = manyUniverses(300, { architectures: [...architectures, 'all'], conflicts: 0.25 }).replaceAll(
      ':any',
      '',
    )
    const universe = await universeOf([{ upstream: 'a', text }], architectures)
    const listed = [...universe.packageNames()]
      .map((name) => ({ name, exclude: [] }))
      .filter((entry) => isResolved(() => resolveClosure(universe, { listed: [entry] })))
    const { rows, worlds } = resolveClosure(universe, { listed })
    expect(proveInstallable(universe, worlds)).toEqual([])
    const held = Array.from(rows, (row) => universe.stanza(row).toString()).join('\n')
    for (const [place, native] of architectures.entries()) {
      const { world, rows } = worlds[place]!
      const judged = await brokenByDose(join(folder, `on-${native}`), held, [architectures[1 - place]!], native)
      const wanted = new Set(Array.from(rows, (row) => identify(universe, row)))
      expect(rows.some((row) => !world.isNative(row))).toBe(true)
      expect(judged.length).toBeGreaterThan(0)
      expect(judged.filter((name) => wanted.has(name))).toEqual([])
    }
  })
})

const hasApt = isThere('apt-get')
if (!hasApt && process.env['CI'] === 'true') throw new Error('apt-get is missing')
if (!hasApt) console.warn('SKIPPED: relations with an architecture against apt, since there is no apt-get')

describe.skipIf(!hasApt)('relations with an architecture, judged by apt', () => {
  const targets = ['no', 'same', 'foreign', 'allowed'].flatMap((multiArch) =>
    ['amd64', 'i386', 'all'].map((architecture) => ({ multiArch, architecture })),
  )
  const isPossible = ({ multiArch, architecture }: (typeof targets)[number]): boolean =>
    !(multiArch === 'same' && architecture === 'all')
  const qualifiers = ['', ':any', ':i386', ':amd64']
  const cases = targets
    .filter(isPossible)
    .flatMap((target) => qualifiers.map((qualifier) => ({ ...target, qualifier })))
  const text = cases
    .map(({ multiArch, architecture, qualifier }, i) => {
      const target = makeStanza(`t${i}`, '1', { Architecture: architecture, 'Multi-Arch': multiArch })
      return `${makeStanza(`a${i}`, '1', { Depends: `t${i}${qualifier}` })}\n${target}`
    })
    .join('\n')

  it('the same ones can be installed', async () => {
    const universe = await universeOf([{ upstream: 'a', text }], ['amd64', 'i386'])
    const judged: Record<string, boolean> = {}
    const found: Record<string, boolean> = {}
    for (const [i, given] of cases.entries()) {
      const title = `${given.qualifier || 'plain'} on ${given.architecture} ${given.multiArch}`
      found[title] = isResolved(() => resolveClosure(universe, { listed: [{ name: `a${i}`, exclude: [] }] }))
      const installed = await simulateApt(join(folder, `any-${i}`), text, {
        names: [`a${i}`],
        recommends: false,
        native: 'amd64',
        architectures: ['amd64', 'i386'],
      }).catch(() => [])
      judged[title] = installed.length === 2
    }
    expect(Object.values(judged).filter((isInstallable) => isInstallable).length).toBeGreaterThan(10)
    expect(found).toEqual(judged)
  })
})

describe.skipIf(!hasApt)('machines of two architectures, judged by apt', () => {
  it.each([
    { data: 'amd64', needed: 'amd64' },
    { data: 'all', needed: 'i386' },
    { data: 'all', needed: 'amd64' },
    { data: 'i386', needed: 'i386' },
  ])(
    'a package for $data that needs one for $needed can be installed on the same machines',
    async ({ data, needed }) => {
      const text = [
        makeStanza('tool', '1', { Depends: 'data', 'Multi-Arch': 'foreign' }),
        makeStanza('data', '1', { Architecture: data, Depends: 'lib', 'Multi-Arch': 'foreign' }),
        makeStanza('lib', '1', { Architecture: needed }),
      ].join('\n')
      const architectures = ['amd64', 'i386']
      const universe = await universeOf([{ upstream: 'a', text }], architectures)
      const rows = [0, 1, 2]
      for (const native of architectures) {
        const problems = proveInstallable(universe, [{ world: worldOf(universe, native), rows }])
        const root = join(folder, `machine-${native}-${data}-${needed}`)
        const options = { names: ['tool:amd64'], recommends: false, native, architectures }
        const installed = await simulateApt(root, text, options).catch(() => [])
        expect([native, problems.some(({ row }) => row === 0)]).toEqual([native, installed.length < 3])
      }
    },
  )
})

describe('the distribution of this host', () => {
  const indices = hostIndices()
  const reason = !hasDose
    ? 'dose-debcheck is missing'
    : indices.length === 0
      ? 'this host has no APT lists: apt-get update'
      : ''
  if (reason !== '' && process.env['CI'] === 'true') throw new Error(reason)
  if (reason !== '') console.warn(`SKIPPED: the closure over the distribution of this host: ${reason}`)

  it.skipIf(reason !== '').each([
    { names: ['nginx', 'postgresql'], recommends: false },
    { names: ['gnome'], recommends: true },
  ])(
    '$names with what it needs: dose-debcheck finds nothing broken, apt installs it',
    async ({ names, recommends }) => {
      const native = execFileSync('dpkg', ['--print-architecture'], limits).trim()
      const upstreams = indices.map((file, i) => ({ upstream: `host${i}`, text: readList(file) }))
      const universe = await universeOf(upstreams, [native])
      const listed = names.map((name) => ({ name, exclude: [] }))
      const closure = resolveClosure(universe, { listed, recommends, base: 'important' })
      expect(proveInstallable(universe, closure.worlds)).toEqual([])
      const held = `${Array.from(closure.rows, (row) => universe.stanza(row).toString()).join('\n')}\n`
      expect(await brokenByDose(join(folder, `host-${names[0]}`), held, [], native)).toEqual([])
      const installed = await simulateApt(join(folder, `apt-${names[0]}`), held, { names, recommends, native })
      const everything = new Set(Array.from(closure.rows, (row) => universe.name(row)))
      expect(installed.length).toBeGreaterThan(20)
      expect(installed.filter((name) => !everything.has(name))).toEqual([])
    },
  )
})

/**
 * Where dose is wrong: it lets `p0 Breaks virtual3` rule out p6:i386, which provides nothing of that kind, since the
 * `Multi-Arch: same` p6:amd64 does. dpkg looks at each by itself.
 */
function harsher(title: string): string[] {
  return title === 'two architectures' ? ['u214-p0 1 i386'] : []
}

/** Universes side by side in one index, so that the judge starts once: each has names of its own. */
function manyUniverses(count: number, options: { architectures: readonly string[]; conflicts: number }): string {
  const texts = Array.from({ length: count }, (_, seed) =>
    makeSyntheticIndex({ seed, names: 4 + (seed % 8), ...options }).replace(/\b(p|virtual)(\d+)\b/g, `u${seed}-$1$2`),
  )
  return `${texts.join('\n')}\n`
}

function isResolved(resolve: () => unknown): boolean {
  try {
    resolve()
    return true
  } catch (error) {
    if (isLarderError(error, 'CLOSURE_UNSATISFIABLE')) return false
    throw error
  }
}

function identify(universe: Universe, row: number): string {
  return `${universe.name(row)} ${universe.version(row)} ${universe.architecture(row)}`
}

async function brokenByDose(
  path: string,
  text: string,
  foreign: readonly string[],
  native = 'amd64',
): Promise<string[]> {
  writeFileSync(path, text)
  const foreignOption = foreign.length > 0 ? [`--deb-foreign-archs=${foreign.join(',')}`] : []
  const options = [`--deb-native-arch=${native}`, ...foreignOption, '--deb-ignore-essential', '--failures', path]
  // It exits 1 when something is broken, which is what is asked.
  const { stdout } = await run('dose-debcheck', options, limits).catch((error: unknown) => {
    const { code, stdout } = error as { code: number; stdout: string }
    if (code === 1) return { stdout }
    throw error
  })
  const entries = stdout.matchAll(
    /package: (\S+)\n\s+version: (\S+)\n\s+architecture: (\S+)\n(?:\s+\S+: .*\n)*?\s+status: broken/g,
  )
  return Array.from(
    entries,
    ([, name, version, architecture]) => `${name!.replace(/^.*:/, '')} ${version} ${architecture}`,
  )
}

/** Names that apt would install on an empty machine whose only source is this index. */
async function simulateApt(
  root: string,
  text: string,
  options: { names: readonly string[]; recommends: boolean; native: string; architectures?: readonly string[] },
): Promise<string[]> {
  const { names, recommends, native, architectures = [native] } = options
  for (const path of ['repo', 'lists/partial', 'cache/archives/partial'])
    mkdirSync(join(root, path), { recursive: true })
  writeFileSync(join(root, 'status'), '')
  writeFileSync(join(root, 'repo/Packages'), text)
  writeFileSync(join(root, 'sources.list'), `deb [trusted=yes arch=${architectures.join(',')}] file:${root}/repo ./\n`)
  const settings = {
    'Dir::State::status': 'status',
    'Dir::State::lists': 'lists',
    'Dir::Etc::sourcelist': 'sources.list',
    'Dir::Etc::sourceparts': 'none',
    'Dir::Cache': 'cache',
  }
  const given = Object.entries(settings).flatMap(([key, path]) => ['-o', `${key}=${join(root, path)}`])
  given.push('-o', 'APT::Sandbox::User=root', '-o', `APT::Install-Recommends=${recommends}`)
  given.push(
    '-o',
    `APT::Architecture=${native}`,
    ...architectures.flatMap((name) => ['-o', `APT::Architectures::=${name}`]),
  )
  await run('apt-get', [...given, 'update'], limits)
  const { stdout } = await run('apt-get', [...given, '--simulate', 'install', ...names], limits)
  return Array.from(stdout.matchAll(/^Inst (\S+)/gm), ([, name]) => name!)
}

/** Files of the host's own lists, in the order in which its sources name them. */
function hostIndices(): string[] {
  if (!isThere('apt-get')) return []
  const format = ['indextargets', '--format', '$(FILENAME)', 'Identifier: Packages']
  return execFileSync('apt-get', format, limits)
    .split('\n')
    .filter((line) => line !== '')
}

function readList(file: string): string {
  return execFileSync('/usr/lib/apt/apt-helper', ['cat-file', file], limits)
}

function isThere(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((path) => {
    try {
      execFileSync('test', ['-x', join(path, program)])
      return true
    } catch {
      return false
    }
  })
}
