import { expect, it } from 'vitest'
import { proveInstallable } from './installability.ts'
import { type Entry, rpmUniverseOf } from './testing/rows-of.ts'

const entries: Entry[] = [
  ['a', { requires: ['b'] }],
  ['b', { conflicts: ['c'] }],
  ['c'],
  ['d', { requires: ['a', 'c'] }],
  ['e 1-1 aarch64'],
]

function judge(rows: number[]): string[] {
  return proveInstallable(rpmUniverseOf([entries]), rows).map(({ row, kind, message }) => `${row} ${kind}: ${message}`)
}

it.each([
  ['what excludes each other may be in one set', [0, 1, 2], []],
  [
    'what is needed must be in it',
    [0],
    ['0 not-installable: a-1-1 cannot be installed because a → b: only b-1-1, which is left out'],
  ],
  [
    'what is needed must go together',
    [0, 1, 2, 3],
    ['3 not-installable: d-1-1 cannot be installed because d → a → b, but d → c: b Conflicts c, and c-1-1 is that'],
  ],
  ['other architectures', [4], ['4 not-installable: e-1-1 is for aarch64, which the mirror does not carry']],
])('%s', (_, rows, expected) => {
  expect(judge(rows)).toEqual(expected)
})
