import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLarderError } from '../core/error.ts'
import {
  formatAtom,
  formatGroup,
  isPackageName,
  isTolerablePackageName,
  parseProvides,
  parseRelations,
  type Atom,
} from './relation.ts'

describe('parseRelations', () => {
  it.each<[string, Atom[][]]>([
    ['', []],
    [' \n ', []],
    ['nginx', [[{ name: 'nginx' }]]],
    ['libc6 (>= 2.36)', [[{ name: 'libc6', operator: '>=', version: '2.36' }]]],
    ['libc6(>=2.36)', [[{ name: 'libc6', operator: '>=', version: '2.36' }]]],
    ['libc6 ( >= 2.36 )', [[{ name: 'libc6', operator: '>=', version: '2.36' }]]],
    [
      'a (<< 1), b (>> 2)',
      [[{ name: 'a', operator: '<<', version: '1' }], [{ name: 'b', operator: '>>', version: '2' }]],
    ],
    [
      'a (< 1), b (> 2)',
      [[{ name: 'a', operator: '<=', version: '1' }], [{ name: 'b', operator: '>=', version: '2' }]],
    ],
    ['a (1)', [[{ name: 'a', operator: '=', version: '1' }]]],
    ['a | b (= 1:2-3~x)', [[{ name: 'a' }, { name: 'b', operator: '=', version: '1:2-3~x' }]]],
    ['a,\n b,\n c', [[{ name: 'a' }], [{ name: 'b' }], [{ name: 'c' }]]],
    ['a, , b,', [[{ name: 'a' }], [{ name: 'b' }]]],
    ['python3:any (>= 3)', [[{ name: 'python3', architecture: 'any', operator: '>=', version: '3' }]]],
    [
      'a [amd64 !i386] <!nocheck> <x y>',
      [[{ name: 'a', restrictedTo: ['amd64', '!i386'], profiles: [['!nocheck'], ['x', 'y']] }]],
    ],
    ['g++ (>= 4) [linux-any]', [[{ name: 'g++', operator: '>=', version: '4', restrictedTo: ['linux-any'] }]]],
    ['R_x', [[{ name: 'R_x' }]]],
  ])('reads %j', (field, expected) => {
    expect(parseRelations(field)).toEqual(expected)
  })

  it.each([
    '|',
    'a |',
    'a | , b',
    'a b',
    'a (',
    'a (>= ',
    'a (>= )',
    'a (>= 1',
    'a (>= 1 2)',
    'a (=> 1)',
    'a [',
    'a [amd64',
    'a <x',
    'a:',
    '-a',
    '${shlibs:Depends}',
    'a;b',
    '$(id)',
    '../a',
    'a (>= 1) (<< 2)',
    'a\0',
    'é',
  ])('refuses %j', (field) => {
    expect(() => parseRelations(field)).toThrow(expect.objectContaining({ code: 'APT_DEPENDENCY_MALFORMED' }))
  })

  const name = fc.stringMatching(/^[a-z0-9][a-z0-9+.-]{1,10}$/)
  const atom = fc.record(
    {
      name,
      architecture: fc.constantFrom('any', 'native', 'amd64'),
      versioned: fc.record({
        operator: fc.constantFrom('=', '>=', '<=', '>>', '<<'),
        version: fc.stringMatching(/^\d[a-z0-9.+~]{0,8}$/),
      }),
      restrictedTo: fc.array(fc.constantFrom('amd64', '!i386'), { minLength: 1, maxLength: 2 }),
      profiles: fc.array(fc.array(fc.constantFrom('nocheck', '!cross'), { minLength: 1, maxLength: 2 }), {
        minLength: 1,
        maxLength: 2,
      }),
    },
    { requiredKeys: ['name'] },
  )

  it('reads back what it writes', () => {
    const groups = fc.array(fc.array(atom, { minLength: 1, maxLength: 3 }), { maxLength: 4 })
    fc.assert(
      fc.property(groups, (drawn) => {
        const relations = drawn.map((group) => group.map(({ versioned, ...rest }): Atom => ({ ...rest, ...versioned })))
        expect(parseRelations(relations.map(formatGroup).join(', '))).toEqual(relations)
      }),
    )
  })

  it('throws nothing but its own error, for any text', () => {
    const nasty = fc.string({ unit: fc.constantFrom(...'a1 ,|()<>=[]!:.-+~$\n\té'.split('')), maxLength: 40 })
    fc.assert(
      fc.property(nasty, (field) => {
        try {
          parseRelations(field)
        } catch (error) {
          expect(isLarderError(error, 'APT_DEPENDENCY_MALFORMED')).toBe(true)
        }
      }),
      { numRuns: 3000 },
    )
  })

  it('reads a field of 200,000 relations', () => {
    expect(parseRelations('a (>= 1), '.repeat(200_000))).toHaveLength(200_000)
  })
})

describe('parseProvides', () => {
  it('keeps versions', () => {
    expect(parseProvides('mail-transport-agent, libfoo (= 1.2)')).toEqual([
      { name: 'mail-transport-agent' },
      { name: 'libfoo', version: '1.2' },
    ])
  })

  it.each(['a | b', 'a (>= 1)'])('refuses %j', (field) => {
    expect(() => parseProvides(field)).toThrow(expect.objectContaining({ code: 'APT_DEPENDENCY_MALFORMED' }))
  })
})

describe('names', () => {
  it.each([
    ['nginx', true, true],
    ['libstdc++6', true, true],
    ['0ad', true, true],
    ['a', false, true],
    ['Nginx', false, true],
    ['a_b', false, true],
    ['+a', false, false],
    ['.a', false, false],
    ['', false, false],
    ['a b', false, false],
    ['a/b', false, false],
    ['a\n', false, false],
    ['$(id)', false, false],
    ['-rf', false, false],
  ])('%j: policy %s, dpkg %s', (text, policy, dpkg) => {
    expect(isPackageName(text)).toBe(policy)
    expect(isTolerablePackageName(text)).toBe(dpkg)
  })

  it('writes an atom', () => {
    expect(formatAtom({ name: 'a', architecture: 'any', operator: '>=', version: '1' })).toBe('a:any (>= 1)')
  })
})
