import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { digestOf, type Digest } from '../core/index.ts'
import { describeChange } from './describe-change.ts'
import type { MirrorPackage } from './format.ts'
import { diffPackages, fetchBytesOf, heldBefore, isEmptyDiff } from './package-diff.ts'

/** `nginx 1.2 amd64 #content` */
function pack(text: string): MirrorPackage {
  const [name = '', version = '', architecture = 'amd64', content = `${name} ${version} ${architecture}`] =
    text.split(' ')
  const shared = { sizeBytes: 1_000_000, path: `pool/${name}`, upstream: 'debian', reason: 'listed' }
  return { name, version, architecture, digest: digestOf(content), ...shared }
}

const show = ({ name, version, architecture }: MirrorPackage): string => `${name} ${version} ${architecture}`

describe('diffPackages', () => {
  test.each([
    { is: 'nothing', before: ['a 1'], after: ['a 1'], added: [], removed: [], changed: [] },
    { is: 'an addition', before: ['a 1'], after: ['a 1', 'b 1'], added: ['b 1 amd64'], removed: [], changed: [] },
    { is: 'a removal', before: ['a 1', 'b 1'], after: ['a 1'], added: [], removed: ['b 1 amd64'], changed: [] },
    { is: 'an upgrade', before: ['a 1'], after: ['a 2'], added: [], removed: [], changed: ['a 1 amd64 -> a 2 amd64'] },
    {
      is: 'other bytes under the same version',
      before: ['a 1 amd64 one'],
      after: ['a 1 amd64 two'],
      added: [],
      removed: [],
      changed: ['a 1 amd64 -> a 1 amd64'],
    },
    {
      is: 'an upgrade for one architecture',
      before: ['a 1 amd64', 'a 1 arm64'],
      after: ['a 1 amd64', 'a 2 arm64'],
      added: [],
      removed: [],
      changed: ['a 1 arm64 -> a 2 arm64'],
    },
    {
      is: 'a second version beside the first',
      before: ['a 1'],
      after: ['a 1', 'a 2'],
      added: ['a 2 amd64'],
      removed: [],
      changed: [],
    },
    {
      is: 'two versions that give way to one: no pair is the right one',
      before: ['a 1', 'a 2'],
      after: ['a 3'],
      added: ['a 3 amd64'],
      removed: ['a 1 amd64', 'a 2 amd64'],
      changed: [],
    },
  ])('$is', ({ before, after, added, removed, changed }) => {
    const diff = diffPackages(before.map(pack), after.map(pack))
    expect(diff.added.map(show)).toEqual(added)
    expect(diff.removed.map(show)).toEqual(removed)
    expect(diff.changed.map((one) => `${show(one.before)} -> ${show(one.after)}`)).toEqual(changed)
    expect(isEmptyDiff(diff)).toBe(added.length + removed.length + changed.length === 0)
  })

  test('a digest that is not known yet is compared by size', () => {
    const unknown: MirrorPackage = { ...pack('a 1'), digest: '' }
    expect(isEmptyDiff(diffPackages([pack('a 1')], [unknown]))).toBe(true)
    expect(diffPackages([pack('a 1')], [{ ...unknown, sizeBytes: 5 }]).changed).toHaveLength(1)
  })
})

test('a change is told in a line', () => {
  const [before, after] = [['a 1', 'b 1', 'c 1'].map(pack), ['a 2', 'c 1', 'd 1', 'e 1'].map(pack)]
  const diff = diffPackages(before, after)
  expect(describeChange(diff, before, after)).toBe('+2 packages, 1 changed, -1 package; 4 in all; 3.0 MB to fetch')
})

/** `foo 1-2`: a .dsc of its own and the tarball of upstream version 1. */
function source(text: string): MirrorPackage {
  const one = pack(`${text} source`)
  const [upstreamVersion = ''] = one.version.split('-')
  const files = [
    { path: `${one.path}.dsc`, sizeBytes: 1_000_000, digest: digestOf(text) },
    { path: `${one.path}.orig.tar.xz`, sizeBytes: 7_000_000, digest: digestOf(`${one.name} ${upstreamVersion}`) },
  ]
  return { ...one, path: files[0]!.path, digest: files[0]!.digest, sizeBytes: 8_000_000, files }
}

test('sources are counted by themselves, and a file that several have or that is held comes once', () => {
  const before = [pack('a 1'), source('a 1-1')]
  const after = [pack('a 2'), source('a 1-2'), source('b 1-1'), source('b 1-2'), pack('c 1')]
  const diff = diffPackages(before, after)
  expect(fetchBytesOf(diff, before)).toBe(2_000_000 + 1_000_000 + 9_000_000)
  expect(describeChange(diff, before, after)).toBe(
    '+1 package, 1 changed, +2 sources, 1 source changed; 2 and 3 sources in all; 12.0 MB to fetch (10.0 MB sources)',
  )
})

describe('lists that share objects', () => {
  const pool = ['a', 'b', 'c', 'd', 'e', 'f'].flatMap((name) =>
    ['1', '2'].flatMap((version) => [pack(`${name} ${version}`), pack(`${name} ${version} amd64 other`)]),
  )
  const lists = fc.array(fc.nat(pool.length - 1), { maxLength: 8 }).map((picks) => {
    const byIdentity = new Map(picks.map((pick) => [show(pool[pick]!), pool[pick]!]))
    return [...byIdentity.values()].sort((a, b) => (show(a) < show(b) ? -1 : 1))
  })
  const copies = (list: readonly MirrorPackage[]): MirrorPackage[] => list.map((one) => ({ ...one }))

  test('differ as their copies do', () => {
    fc.assert(
      fc.property(lists, lists, (before, after) => {
        expect(diffPackages(before, after)).toEqual(diffPackages(copies(before), after))
        expect(diffPackages(before, [...after].reverse()).removed).toEqual(diffPackages(copies(before), after).removed)
      }),
    )
  })

  test('of what comes, that is held which some package before has', () => {
    fc.assert(
      fc.property(lists, lists, (before, after) => {
        const held = heldBefore(diffPackages(before, after), before)
        const all = new Set(before.map(({ digest }) => digest))
        for (const { digest } of after) expect(held.has(digest as Digest)).toBe(all.has(digest))
      }),
    )
  })
})
