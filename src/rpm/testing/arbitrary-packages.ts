import fc from 'fast-check'
import type { PackageEntry } from './rows-of.ts'

const atom = fc
  .tuple(
    fc.constantFrom('a', 'b', 'c', 'd', 'e', 'v', 'w', '/bin/f'),
    fc.constantFrom('', '', '', ' = 1', ' >= 2', ' < 2', ' <= 1-1'),
  )
  .map(([name, version]) => (name.startsWith('/') ? name : name + version))

/** Rich dependencies too; only such nesting as rpm accepts. */
const expression: fc.Arbitrary<string> = fc.letrec<{ single: string; any: string }>((tie) => ({
  single: fc.oneof(
    { weight: 3, arbitrary: atom },
    fc
      .tuple(atom, fc.constantFrom('with', 'without'), atom)
      .map(([first, operator, second]) => `(${first} ${operator} ${second})`),
    fc.tuple(atom, atom, atom).map(([a, b, c]) => `(${a} with (${b} or ${c}))`),
  ),
  any: fc.oneof(
    { maxDepth: 2, depthSize: 'small' },
    { weight: 3, arbitrary: tie('single') },
    fc
      .tuple(tie('any'), fc.constantFrom('and', 'or', 'if'), tie('any'))
      .map(([first, operator, second]) => `(${first} ${operator} ${second})`),
    fc.tuple(tie('any'), tie('any'), tie('any')).map(([a, b, c]) => `(${a} if ${b} else ${c})`),
    fc.tuple(tie('any'), tie('any'), tie('any')).map(([a, b, c]) => `(${a} unless ${b} else ${c})`),
  ),
})).any

const rarely = <Value>(arbitrary: fc.Arbitrary<Value[]>): fc.Arbitrary<Value[]> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant<Value[]>([]) }, arbitrary)

/** Packages of five names that need, provide, exclude and replace each other at random. */
export function arbitraryPackages({
  maxLength,
  architectures,
  isRich = true,
}: {
  maxLength: number
  architectures: readonly [string, ...string[]]
  /** Default: true. */
  isRich?: boolean
}): fc.Arbitrary<PackageEntry[]> {
  const relation = isRich ? fc.oneof({ weight: 2, arbitrary: atom }, expression) : atom
  const one = fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    evr: fc.constantFrom('1-1', '1-2', '2-1'),
    arch: fc.constantFrom(...architectures),
    requires: fc.array(relation, { maxLength: 3 }),
    provides: fc.array(fc.constantFrom('v', 'w', 'v = 1', 'w = 2', 'a = 3'), { maxLength: 2 }),
    conflicts: rarely(fc.array(relation, { maxLength: 1 })),
    obsoletes: rarely(
      fc.array(
        atom.filter((text) => !text.startsWith('/')),
        { maxLength: 1 },
      ),
    ),
    files: rarely(fc.constant(['/bin/f'])),
  })
  return fc.uniqueArray(one, { minLength: 2, maxLength, selector: ({ name, evr, arch }) => `${name} ${evr} ${arch}` })
}
