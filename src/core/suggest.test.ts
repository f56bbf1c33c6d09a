import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { closest, editDistance } from './suggest.ts'

describe('closest', () => {
  it.each([
    ['ngnix', ['nginx', 'nmap', 'unix'], 'nginx'],
    ['mirorrs', ['site', 'upstreams', 'mirrors'], 'mirrors'],
    ['upstream', ['site', 'upstreams', 'mirrors'], 'upstreams'],
    ['postgres', ['postfix', 'postgresql', 'progress'], 'postgresql'],
    ['validdays', ['validDays', 'keep'], 'validDays'],
    ['Nginx', ['nginx', 'minx'], 'nginx'],
    ['crul', ['crun', 'curl', 'cruft'], 'curl'],
    ['libsl3', ['libssh3', 'libssl3'], 'libssl3'],
    ['ap', ['apt', 'rpm'], 'apt'],
    ['python3-pip', ['python-pip', 'python3-pip', 'python3-zip'], 'python3-pip'],
    ['xx', ['ab'], undefined],
    ['a', ['b', 'c'], undefined],
    ['', ['a', 'b'], undefined],
    ['nginx', ['apache2', 'haproxy'], undefined],
  ] as const)('%s among %j is %s', (word, candidates, expected) => {
    expect(closest(word, candidates)).toBe(expected)
    expect(closest(word, [...candidates].reverse())).toBe(expected)
  })

  it('does not look for words that nobody types', () => {
    expect(closest('x'.repeat(300), ['x'.repeat(299)])).toBeUndefined()
  })

  it('forgives as many mistakes as it is told to', () => {
    expect(closest('abcdef', ['abcxyz'])).toBeUndefined()
    expect(closest('abcdef', ['abcxyz'], 3)).toBe('abcxyz')
  })
})

describe('editDistance', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 9 })

  it('is what the full table says, wherever that is within the limit', () => {
    fc.assert(
      fc.property(word, word, fc.integer({ min: 0, max: 9 }), (left, right, limit) => {
        const whole = fullTable(left, right)
        const bounded = editDistance(left, right, limit)
        expect(whole <= limit ? bounded === whole : bounded > limit).toBe(true)
      }),
      { numRuns: 5_000 },
    )
  })

  it('reads words that are longer than its rows', () => {
    const long = 'a'.repeat(1_000)
    expect(editDistance(long, `${long}b`, 2)).toBe(1)
  })
})

/** The textbook form: every cell, no band. */
function fullTable(left: string, right: string): number {
  const cell = new Map<string, number>()
  const at = (i: number, j: number): number => cell.get(`${i},${j}`) ?? Infinity
  for (let i = 0; i <= left.length; i++) {
    for (let j = 0; j <= right.length; j++) {
      const same = left[i - 1] === right[j - 1]
      const swap = i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1]
      const ways = [
        i === 0 ? j : at(i - 1, j) + 1,
        j === 0 ? i : at(i, j - 1) + 1,
        i > 0 && j > 0 ? at(i - 1, j - 1) + (same ? 0 : 1) : Infinity,
        swap ? at(i - 2, j - 2) + 1 : Infinity,
      ]
      cell.set(`${i},${j}`, Math.min(...ways))
    }
  }
  return at(left.length, right.length)
}
