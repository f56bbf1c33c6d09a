import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { silentProgress } from '../../../src/core/index.ts'
import { makeBaseRoot, type BaseRootOptions } from '../../../src/fleet/place/base/base-root.ts'
import { makeRpmDistribution } from '../../fixtures/rpm-distribution/index.ts'

/** Kept between runs: a minute of downloads each. */
const folder = join(import.meta.dirname, '../../../var/test-bases')

/**
 * A root that machines of tests begin with, made from this host's own APT sources as a site makes it from its mirror;
 * undefined where this host has none in a form that says all: deb822-style, sources.list(5).
 */
export async function machineBase(
  packages: readonly string[] = [],
  { boots = false }: { boots?: boolean } = {},
): Promise<{ path: string; digest: string } | undefined> {
  const source = await hostSource()
  if (source === undefined) return undefined
  return makeBase({ format: 'apt', name: 'host', source, keys: [], snapshot: 1 }, packages, boots)
}

/** A root of RPM packages: of the distribution that is made of these packages of Debian, read where it lies. */
export async function rpmMachineBase(
  packages: readonly string[] = [],
): Promise<{ path: string; digest: string } | undefined> {
  const base = await machineBase(['dnf', 'rpm', ...packages])
  if (base === undefined) return undefined
  const distribution = await makeRpmDistribution(base)
  const source = `[pocket]\nname=pocket\nbaseurl=file://${distribution}\nenabled=1\ngpgcheck=0\n`
  return makeBase({ format: 'rpm', name: 'pocket', source, keys: [], snapshot: 1 }, [], false)
}

async function makeBase(
  source: BaseRootOptions['source'],
  packages: readonly string[],
  boots: boolean,
): Promise<{ path: string; digest: string }> {
  await mkdir(folder, { recursive: true })
  return inTurn(() =>
    makeBaseRoot({
      source,
      packages,
      boots,
      folder,
      createdAt: new Date('2026-01-01T00:00:00Z'),
      progress: silentProgress,
      signal: new AbortController().signal,
    }),
  )
}

/**
 * Larder takes a folder of bases for its own, and removes what another one has left in it; here it is that of all tests that run.
 * flock(1): whatever ends this process gives it free.
 */
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const hold = [join(folder, 'lock'), 'sh', '-c', 'echo locked; exec cat']
  const holder = spawn('flock', hold, { stdio: ['pipe', 'pipe', 'ignore'] })
  const ended = once(holder, 'close')
  await once(holder.stdout, 'data')
  try {
    return await work()
  } finally {
    holder.stdin.end()
    await ended
  }
}

async function hostSource(): Promise<string | undefined> {
  const sources = '/etc/apt/sources.list.d'
  const names = await readdir(sources).catch((): string[] => [])
  const candidates = names.filter((name) => /^(debian|ubuntu)\.sources$/.test(name))
  return candidates[0] === undefined ? undefined : readFile(join(sources, candidates[0]), 'utf8')
}
