import { describe, expect, it } from 'vitest'
import { digestOf } from '../core/index.ts'
import { AgreedPackages } from './agreed-packages.ts'
import { checkStatements } from './check-statements.ts'
import { headerOf } from './repository/testing/header-of.ts'
import type { RpmPackage } from './rpm-package.ts'
import { rpmUniverseOf, type Entry } from './testing/rows-of.ts'

const { signal } = new AbortController()

/** Packages `p0`, `p1`, … of one upstream, whose headers say that they provide themselves and nothing else. */
function bench(entries: readonly Entry[]) {
  const universe = rpmUniverseOf([entries])
  const asked: string[] = []
  const headers = {
    of: ({ label }: { label: string }): Promise<RpmPackage> => {
      asked.push(label)
      const provides = [{ name: label, flags: 8, evr: '1-1' }]
      return Promise.resolve(headerOf(label, { relations: { provides } }))
    },
  }
  const packages = Array.from({ length: universe.rowCount }, (_, row) => {
    const label = universe.name(row)
    return { row, item: { digest: digestOf(label), sizeBytes: 1, label } }
  })
  return { universe, headers, packages, asked }
}

function rememberedKeys() {
  const kept = new Set<string>()
  return {
    kept,
    keys: () => Promise.resolve([...kept]),
    putKeys: (_: string, keys: readonly string[]) => {
      for (const key of keys) kept.add(key)
      return Promise.resolve()
    },
  }
}

describe('checkStatements', () => {
  it('reads the header of a package once for what is said of it, in whatever index that is said', async () => {
    const cache = rememberedKeys()
    const first = bench([['p0'], ['p1']])
    const agreed = new AgreedPackages(cache)
    for (let time = 0; time < 2; time++) await checkStatements({ ...first, agreed, signal }, first.packages)
    expect(first.asked).toEqual(['p0', 'p1'])
    const second = bench([['p1'], ['p2'], ['p0']])
    await checkStatements({ ...second, agreed: new AgreedPackages(cache), signal }, second.packages)
    expect(second.asked).toEqual(['p2'])
  })

  it('reads it again when something else is said of it', async () => {
    const agreed = new AgreedPackages(rememberedKeys())
    const first = bench([['p0']])
    await checkStatements({ ...first, agreed, signal }, first.packages)
    const other = bench([['p0', { requires: ['x'] }]])
    const check = checkStatements({ ...other, agreed, signal }, other.packages)
    await expect(check).rejects.toMatchObject({ code: 'RPM_HEADER_MISMATCH', context: { package: 'p0' } })
  })

  it('and when filelists.xml tells more of it', async () => {
    const agreed = new AgreedPackages(rememberedKeys())
    const one = bench([['p0']])
    await checkStatements({ ...one, agreed, signal }, one.packages)
    const universe = one.universe.withFileOwners(new Map([['/usr/share/x', [one.universe.checksumOf(0)]]]))
    const check = checkStatements({ ...one, universe, agreed, signal }, one.packages)
    await expect(check).rejects.toThrow('/usr/share/x')
  })

  it('remembers nothing of a set in which one was found to differ, and finds it again', async () => {
    const cache = rememberedKeys()
    const agreed = new AgreedPackages(cache)
    const both = bench([['p0'], ['p1', { conflicts: ['x'] }]])
    for (let time = 0; time < 2; time++)
      await expect(checkStatements({ ...both, agreed, signal }, both.packages)).rejects.toThrow('conflicts with x')
    expect(cache.kept.size).toBe(0)
  })

  it('stops when it is told to', async () => {
    const { packages, ...one } = bench([['p0']])
    const agreed = new AgreedPackages(rememberedKeys())
    const stopped = AbortSignal.abort(new Error('enough'))
    await expect(checkStatements({ ...one, agreed, signal: stopped }, packages)).rejects.toThrow('enough')
  })
})
