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
  const left = new Map(before.map((one) => [identity(one), one]))
  const added: MirrorPackage[] = []
  const changed: PackageDiff['changed'] = []
  for (const one of after) {
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
export function fetchBytesOf({ added, changed }: PackageDiff, before: readonly MirrorPackage[]): number {
  const held = new Set(before.flatMap((one) => filesOf(one).map(({ digest }) => digest)))
  let bytes = 0
  for (const one of [...added, ...changed.map((change) => change.after)]) {
    for (const { digest, sizeBytes } of filesOf(one)) {
      if (digest !== '' && held.has(digest)) continue
      held.add(digest)
      bytes += sizeBytes
    }
  }
  return bytes
}

/** Whether it is a source package. */
export function isSource({ files }: MirrorPackage): boolean {
  return files !== undefined
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
