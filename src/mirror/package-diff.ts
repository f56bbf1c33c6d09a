import type { Digest } from '../core/index.ts'
import type { MirrorPackage } from './format.ts'

export interface PackageDiff {
  added: MirrorPackage[]
  removed: MirrorPackage[]
  /** The same name and architecture in another version (or other bytes). */
  changed: { before: MirrorPackage; after: MirrorPackage }[]
}

/**
 * What differs between two contents of a mirror. Several versions of one name side by side are told apart by their
 * version; a single one that gives way to another single one is a change.
 */
export function diffPackages(before: readonly MirrorPackage[], after: readonly MirrorPackage[]): PackageDiff {
  const rest = withoutShared(before, after)
  const left = new Map(rest.before.map((one) => [identity(one), one]))
  const added: MirrorPackage[] = []
  const changed: PackageDiff['changed'] = []
  for (const one of rest.after) {
    const same = left.get(identity(one))
    if (same === undefined) added.push(one)
    else if (differs(same, one)) changed.push({ before: same, after: one })
    left.delete(identity(one))
  }
  return pairUp(added, [...left.values()], changed)
}

export function isEmptyDiff({ added, removed, changed }: PackageDiff): boolean {
  return added.length + removed.length + changed.length === 0
}

/** The one file of a binary package, all of a source package. */
export function filesOf({ path, sizeBytes, digest, files }: MirrorPackage): readonly PackageFile[] {
  return files ?? [{ path, sizeBytes, digest }]
}

type PackageFile = Pick<MirrorPackage, 'path' | 'sizeBytes' | 'digest'>

/** What comes and is not held before; each file once, as several sources may have it. */
export function fetchBytesOf(diff: PackageDiff, before: readonly MirrorPackage[]): number {
  const come = filesThatCome(diff)
  const held = heldOf(come, before)
  let bytes = 0
  for (const { digest, sizeBytes } of come) {
    if (digest !== '' && held.has(digest)) continue
    held.add(digest)
    bytes += sizeBytes
  }
  return bytes
}

/**
 * Whether a digest of what is after the difference is held before it. What does not differ is: only the few files that
 * come are looked for among all.
 */
export function heldBefore(diff: PackageDiff, before: readonly MirrorPackage[]): { has(digest: Digest): boolean } {
  const come = filesThatCome(diff)
  const held = heldOf(come, before)
  const missing = new Set(come.flatMap(({ digest }) => (digest === '' || held.has(digest) ? [] : [digest])))
  return { has: (digest) => !missing.has(digest) }
}

function filesThatCome({ added, changed }: PackageDiff): PackageFile[] {
  return [...added, ...changed.map((change) => change.after)].flatMap(filesOf)
}

/** Digests of these files that packages have. */
function heldOf(files: readonly PackageFile[], packages: readonly MirrorPackage[]): Set<Digest | ''> {
  const wanted = new Set(files.map(({ digest }) => digest))
  const held = new Set<Digest | ''>()
  if (wanted.size === 0) return held
  for (const one of packages) {
    if (one.files === undefined) {
      if (wanted.has(one.digest)) held.add(one.digest)
    } else for (const { digest } of one.files) if (wanted.has(digest)) held.add(digest)
  }
  return held
}

/** Whether it is a source package. */
export function isSource({ files }: MirrorPackage): boolean {
  return files !== undefined
}

/**
 * Leaves out what both lists have as one and the same object: formats keep the objects of what stays, and to compare
 * these costs nothing beside looking up 60,000 names. Lists in another order lose nothing but that.
 */
function withoutShared(
  before: readonly MirrorPackage[],
  after: readonly MirrorPackage[],
): { before: MirrorPackage[]; after: MirrorPackage[] } {
  const rest: { before: MirrorPackage[]; after: MirrorPackage[] } = { before: [], after: [] }
  let [left, right] = [0, 0]
  while (left < before.length && right < after.length) {
    const [old, young] = [before[left]!, after[right]!]
    if (old === young) {
      left++
      right++
    } else if (old.name < young.name || (old.name === young.name && before[left + 1] === young)) {
      rest.before.push(old)
      left++
    } else {
      rest.after.push(young)
      right++
    }
  }
  for (; left < before.length; left++) rest.before.push(before[left]!)
  for (; right < after.length; right++) rest.after.push(after[right]!)
  return rest
}

function pairUp(added: MirrorPackage[], removed: MirrorPackage[], changed: PackageDiff['changed']): PackageDiff {
  const gone = Map.groupBy(removed, nameAndArchitecture)
  const come = Map.groupBy(added, nameAndArchitecture)
  const pairs: PackageDiff['changed'] = [...changed]
  for (const [key, [before, ...moreGone]] of gone) {
    const [after, ...moreCome] = come.get(key) ?? []
    if (before === undefined || after === undefined || moreGone.length + moreCome.length > 0) continue
    pairs.push({ before, after })
  }
  const paired = new Set(pairs.flatMap(({ before, after }) => [before, after]))
  return {
    added: added.filter((one) => !paired.has(one)),
    removed: removed.filter((one) => !paired.has(one)),
    changed: pairs,
  }
}

function differs(before: MirrorPackage, after: MirrorPackage): boolean {
  if (before.digest !== '' && after.digest !== '') return before.digest !== after.digest
  return before.sizeBytes !== after.sizeBytes
}

function nameAndArchitecture({ name, architecture }: MirrorPackage): string {
  return `${name}:${architecture}`
}

function identity({ name, architecture, version }: MirrorPackage): string {
  return `${name}:${architecture}=${version}`
}
