import { digestFromHex } from '../core/index.ts'
import type { MirrorPackage } from '../mirror/index.ts'
import type { Closure } from './closure.ts'
import type { Earlier } from './resolution-memory.ts'
import type { Universe } from './universe.ts'

/**
 * The packages of a closure, in its order. What has been resolved or published before and is the same is the same
 * object: 60,000 packages are made and kept once, and what differs is found by looking for what is not shared.
 */
export function sharedPackages(
  universe: Universe,
  closure: Pick<Closure, 'rows' | 'reasons'>,
  { inUniverse, held }: Earlier,
): MirrorPackage[] {
  if (inUniverse !== undefined) return shareRows(universe, closure, inUniverse)
  return shareEqual(
    Array.from(closure.rows, (row) => packageOf(universe, closure, row)),
    held,
  )
}

function shareRows(
  universe: Universe,
  closure: Pick<Closure, 'rows' | 'reasons'>,
  earlier: NonNullable<Earlier['inUniverse']>,
): MirrorPackage[] {
  const { rows, reasons } = closure
  const placeOf = new Uint32Array(universe.rowCount)
  for (let place = 0; place < earlier.rows.length; place++) placeOf[earlier.rows[place]!] = place + 1
  const packages = new Array<MirrorPackage>(rows.length)
  for (let place = 0; place < rows.length; place++) {
    const row = rows[place]!
    const same = earlier.binaries[placeOf[row]! - 1]
    const isSame = same !== undefined && reasons.agree(earlier.reasons, row)
    packages[place] = isSame ? same : packageOf(universe, closure, row)
  }
  return packages
}

/** Both in the order of names. */
function shareEqual(packages: MirrorPackage[], held: readonly MirrorPackage[]): MirrorPackage[] {
  let start = 0
  for (let place = 0; place < packages.length; place++) {
    const one = packages[place]!
    while (start < held.length && held[start]!.name < one.name) start++
    for (let at = start; held[at]?.name === one.name; at++) if (isEqual(held[at]!, one)) packages[place] = held[at]!
  }
  return packages
}

function isEqual(a: MirrorPackage, b: MirrorPackage): boolean {
  return (
    a.digest === b.digest &&
    a.version === b.version &&
    a.architecture === b.architecture &&
    a.reason === b.reason &&
    a.path === b.path &&
    a.upstream === b.upstream &&
    a.sizeBytes === b.sizeBytes &&
    a.files === b.files
  )
}

function packageOf(universe: Universe, { reasons }: Pick<Closure, 'reasons'>, row: number): MirrorPackage {
  const { name, version, architecture, sizeBytes, filename, sha256, upstream } = universe.packageOf(row)
  const digest = sha256 === undefined ? '' : digestFromHex(sha256)
  return { name, version, architecture, sizeBytes, path: filename, digest, upstream, reason: reasons.of(row) }
}
