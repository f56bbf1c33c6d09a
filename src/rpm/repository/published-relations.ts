import type { RelationName, RpmPackage, RpmRelation } from '../rpm-package.ts'
import { parseEvr } from '../version.ts'
import { isPrimaryPath } from './primary-path.ts'

/** A dependency as primary.xml has it. */
export interface PublishedRelation {
  name: string
  comparison: 'EQ' | 'LT' | 'GT' | 'LE' | 'GE' | undefined
  /** Parts that the header does not name are undefined; the epoch of a version is never. */
  epoch: string | undefined
  version: string | undefined
  release: string | undefined
  /** Needed while the package itself is installed. */
  isPre: boolean
}

/**
 * Dependencies of a package as every repository publishes them. Of requires there is left out: what rpm itself
 * provides, what the package provides in the same words, its own files that primary.xml lists, what is there
 * twice, and of the symbol versions of libc.so.6 all but the highest.
 */
export function publishedRelations(rpm: RpmPackage, kind: RelationName): PublishedRelation[] {
  const relations = rpm.relations[kind]
  return kind === 'requires' ? publishedRequires(rpm, relations) : relations.map(publish)
}

function publishedRequires(rpm: RpmPackage, requires: readonly RpmRelation[]): PublishedRelation[] {
  const provided = new Set(rpm.relations.provides.map(wordsOf))
  const ownFiles = new Set(rpm.files.flatMap(({ path }) => (isPrimaryPath(path) ? [path] : [])))
  const published = new Map<string, PublishedRelation>()
  let libc: PublishedRelation | undefined
  for (const relation of requires) {
    if (relation.name.startsWith('rpmlib(') || ownFiles.has(relation.name)) continue
    if (provided.has(wordsOf(relation))) continue
    const one = publish(relation)
    if (relation.name.startsWith('libc.so.6')) libc = higherLibc(libc, one)
    else published.set(`${wordsOf(relation)} ${one.isPre}`, one)
  }
  return libc === undefined ? [...published.values()] : [...published.values(), libc]
}

/** RPMSENSE_PREREQ, RPMSENSE_SCRIPT_PRE, _POST, RPMSENSE_PRETRANS, RPMSENSE_POSTTRANS. */
const preSense = (1 << 6) | (1 << 9) | (1 << 10) | (1 << 7) | (1 << 5)

/** By the bits for less (2), greater (4) and equal (8). */
const comparisons = new Map([
  [2, 'LT'],
  [4, 'GT'],
  [8, 'EQ'],
  [10, 'LE'],
  [12, 'GE'],
] as const)

/** Undefined for any version. */
export function comparisonOf(flags: number): PublishedRelation['comparison'] {
  return comparisons.get((flags & 14) as 2)
}

function publish({ name, flags, evr }: RpmRelation): PublishedRelation {
  const comparison = comparisonOf(flags)
  const { epoch, version, release } = parseEvr(evr)
  const isVersioned = comparison !== undefined && evr !== ''
  return {
    name,
    comparison,
    epoch: isVersioned ? epoch : undefined,
    version: isVersioned && version !== '' ? version : undefined,
    release: isVersioned && release !== '' ? release : undefined,
    isPre: (flags & preSense) !== 0,
  }
}

function wordsOf({ name, flags, evr }: RpmRelation): string {
  return `${name} ${comparisonOf(flags) ?? ''} ${evr}`
}

/** The one with the higher number of its symbols. */
function higherLibc(a: PublishedRelation | undefined, b: PublishedRelation): PublishedRelation {
  return a === undefined || compareLibc(a.name, b.name) < 0 ? b : a
}

/** By the number in `libc.so.6(GLIBC_2.4)(64bit)`; without a number is lower than with. */
export function compareLibc(a: string, b: string): number {
  const [x, y] = [a, b].map((name) => (/\(GLIBC_([\d.]+)\)/.exec(name)?.[1] ?? '').split('.').map(Number))
  for (let index = 0; index < Math.max(x!.length, y!.length); index++) {
    const difference = (x![index] ?? -1) - (y![index] ?? -1)
    if (difference !== 0) return difference
  }
  return 0
}
