import { LarderError } from '../core/index.ts'
import { agreementKey, type AgreedPackages } from './agreed-packages.ts'
import { bindingRelations, findContradiction, type PackageHeaders, type PackageStatement } from './repository/index.ts'
import type { Universe } from './universe.ts'

/** A package in the store, and the row that the closure took it for. */
export interface StatedPackage {
  row: number
  item: Parameters<PackageHeaders['of']>[0]
}

/** Headers that are read at once. */
const atOnce = 16

export interface StatementCheck {
  universe: Universe
  headers: PackageHeaders
  agreed: AgreedPackages
  signal: AbortSignal
}

/**
 * Compares what the closure was worked out of with the headers of its packages. Where only packages are signed, whoever
 * writes metadata could say otherwise: then what was proved installable would not be, and we would sign that.
 * RPM_HEADER_MISMATCH, RPM_MALFORMED, BLOB_MISSING, CANCELLED.
 */
export async function checkStatements(check: StatementCheck, packages: readonly StatedPackage[]): Promise<void> {
  const { universe, headers, agreed, signal } = check
  const done = agreed.rowsOf(universe)
  const open = packages.filter(({ row }) => !done.has(row))
  if (open.length === 0) return
  const known = await agreed.known()
  const found: string[] = []
  for (let start = 0; start < open.length; start += atOnce) {
    signal.throwIfAborted()
    const looks = open.slice(start, start + atOnce).map(async ({ row, item }) => {
      const statement = statementOf(universe, row)
      const key = agreementKey(item.digest, statement)
      if (known.has(key)) return
      const fault = findContradiction(statement, await headers.of(item))
      if (fault !== undefined) throw contradicted(universe.member(row).upstream, item.label, fault)
      found.push(key)
    })
    await Promise.all(looks)
  }
  await agreed.add(found)
  for (const { row } of open) done.add(row)
}

function statementOf(universe: Universe, row: number): PackageStatement {
  const clauses = bindingRelations.map((kind) => [
    kind,
    universe.clausesOf(row, kind).map((clause) => universe.clauseText(clause)),
  ])
  return { ...(Object.fromEntries(clauses) as Omit<PackageStatement, 'files'>), files: universe.filesOf(row) }
}

function contradicted(upstream: string, label: string, fault: string): LarderError {
  return new LarderError('RPM_HEADER_MISMATCH', {
    message: `upstream ${upstream}: ${label}: ${fault}.`,
    hint: 'Its metadata was made of other files, or somebody on the way has changed it: ask the publisher.',
    context: { upstream, package: label },
  })
}
