import { overlaps, type Capability, type Comparison } from '../relation.ts'
import type { RpmPackage, RpmRelation } from '../rpm-package.ts'
import { formatEvr, parseEvr } from '../version.ts'
import { compareLibc, comparisonOf } from './published-relations.ts'

/** What metadata says of a package, as far as a closure relies on it. */
export interface PackageStatement extends Record<BindingRelation, readonly string[]> {
  /** Paths, of primary.xml and of filelists.xml, in so far as somebody asked for them. */
  files: readonly string[]
}

/** Relations that bind whoever installs a package. Weak ones leave everybody free. */
export const bindingRelations = ['requires', 'provides', 'conflicts', 'obsoletes'] as const
export type BindingRelation = (typeof bindingRelations)[number]

/**
 * The first thing in which a statement and the header of the package do not agree; undefined when there is none. Every
 * dependency that either has, the other must have. Of requires, metadata leaves out what the package itself provides or
 * contains, what rpm provides, and all symbol versions of libc.so.6 but the highest; how much of it depends on the
 * program that wrote it. Files may be left out, and none may be added.
 */
export function findContradiction(statement: PackageStatement, rpm: RpmPackage): string | undefined {
  for (const kind of bindingRelations) {
    const stated = new Set(statement[kind])
    const relations = rpm.relations[kind]
    const clauses = relations.map(clauseOf)
    const mayLack = kind === 'requires' ? (one: RpmRelation) => mayBeLeftOut(one, rpm, stated) : () => false
    const left = clauses.find((clause, at) => !contains(stated, clause) && !mayLack(relations[at]!))
    if (left !== undefined) return `its metadata leaves out that it ${verbs[kind]} ${left}`
    const actual = new Set(clauses)
    const added = statement[kind].find((clause) => !contains(actual, clause) && !isOwnName(clause, kind, rpm))
    if (added !== undefined) return `its metadata says that it ${verbs[kind]} ${added}, which the package does not say`
  }
  if (statement.files.length === 0) return undefined
  const paths = new Set(rpm.files.map(({ path }) => path))
  const file = statement.files.find((path) => !contains(paths, path))
  return file === undefined ? undefined : `its metadata says that it has the file ${file}, which is not in the package`
}

const verbs = {
  requires: 'requires',
  provides: 'provides',
  conflicts: 'conflicts with',
  obsoletes: 'obsoletes',
} satisfies Record<BindingRelation, string>

const signs = { EQ: '=', LT: '<', GT: '>', LE: '<=', GE: '>=' } as const

/** As `PackageRows.clause` has it: `bash >= 4.2`, `(a if b)`; no epoch where it is 0. */
function clauseOf(relation: RpmRelation): string {
  const comparison = comparisonIn(relation)
  if (comparison === undefined) return relation.name
  return `${relation.name} ${comparison} ${relation.evr.replace(/^0*:|-$/g, '')}`
}

/** Of a rich dependency the whole text is the name. */
function comparisonIn({ name, flags, evr }: RpmRelation): Comparison | undefined {
  const comparison = comparisonOf(flags)
  return comparison === undefined || evr === '' || name.startsWith('(') ? undefined : signs[comparison]
}

/** Other characters than ASCII may have been written in another encoding, or another character in their place. */
function contains(texts: ReadonlySet<string>, text: string): boolean {
  if (texts.has(text)) return true
  if (!foreign.test(text)) return false
  const folded = foldText(text)
  for (const other of texts) if (foldText(other) === folded) return true
  return false
}

const foreign = /[^ -~]/

function foldText(text: string): string {
  return text.replace(/[^ -~]+/g, '?')
}

/** RPMSENSE_MISSINGOK: what rpm had before there were Recommends. */
const weakSense = 1 << 19

/** Of a requirement. */
function mayBeLeftOut(one: RpmRelation, rpm: RpmPackage, stated: ReadonlySet<string>): boolean {
  if (one.name.startsWith('rpmlib(') || (one.flags & weakSense) !== 0) return true
  if (one.name.startsWith('libc.so.6') && hasHigherLibc(one.name, stated)) return true
  if (rpm.files.some(({ path }) => path === one.name)) return true
  return rpm.relations.provides.some((own) => own.name === one.name && overlaps(capabilityOf(own), capabilityOf(one)))
}

function capabilityOf(relation: RpmRelation): Capability {
  const { name, evr } = relation
  const comparison = comparisonIn(relation)
  return comparison === undefined ? { name } : { name, comparison, evr: parseEvr(evr) }
}

function hasHigherLibc(name: string, stated: ReadonlySet<string>): boolean {
  for (const clause of stated) if (clause.startsWith('libc.so.6') && compareLibc(clause, name) >= 0) return true
  return false
}

/** Packages of old do not say that they provide themselves, which rpm and with it metadata take for granted. */
function isOwnName(clause: string, kind: BindingRelation, { name, evr }: RpmPackage): boolean {
  return kind === 'provides' && clause === `${name} = ${formatEvr(evr)}`
}
