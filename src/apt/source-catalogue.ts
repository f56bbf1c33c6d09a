import { sourceFiles } from './table/stanza-fault.ts'
import type { PackageIndex } from './package-index.ts'

export interface SourcePackage {
  name: string
  version: string
  /** Below the address of the upstream's archive; the files lie in it. */
  directory: string
  files: { name: string; sizeBytes: number; sha256: string }[]
  upstream: string
  /** Byte for byte as in the Sources index. */
  stanza: Buffer
}

/** The Sources indices of a mirror, in order of preference: finds the source that a package was built from. */
export class SourceCatalogue {
  private readonly members: readonly { index: PackageIndex; upstream: string }[]
  private places: Map<string, { member: number; row: number }> | undefined

  constructor(members: readonly { index: PackageIndex; upstream: string }[]) {
    this.members = members
  }

  /** Exactly this version; undefined when no upstream has it. */
  find(name: string, version: string): SourcePackage | undefined {
    this.places ??= this.findPlaces()
    const place = this.places.get(`${name} ${version}`)
    if (place === undefined) return undefined
    const { index, upstream } = this.members[place.member]!
    const stanza = index.stanza(place.row)
    const directory = index.pathOf(place.row)
    return { name, version, directory, files: checksumsOf(stanza), upstream, stanza }
  }

  private findPlaces(): Map<string, { member: number; row: number }> {
    const places = new Map<string, { member: number; row: number }>()
    for (const [member, { index }] of this.members.entries()) {
      const { name, version } = index.columns
      for (let row = 0; row < index.rowCount; row++) {
        const key = `${index.word(name[row]!)} ${index.word(version[row]!)}`
        if (!places.has(key)) places.set(key, { member, row })
      }
    }
    return places
  }
}

function checksumsOf(stanza: Buffer): SourcePackage['files'] {
  const match = /^checksums-sha256:([^\n]*(?:\n[ \t][^\n]*)*)/im.exec(stanza.toString('latin1'))
  return sourceFiles(match?.[1] ?? '').map(({ name, sizeBytes, sha256 }) => ({ name, sizeBytes, sha256 }))
}
