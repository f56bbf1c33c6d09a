import { checksumsOf, type PromisedFile } from './source-files.ts'
import type { PackageIndex } from './package-index.ts'

/** A Sources index with what the mirror knows about where it came from. */
export interface SourceMember {
  index: PackageIndex
  /** Name in larder.yaml. */
  upstream: string
  suite: string
  component: string
}

export interface SourcePackage extends Omit<SourceMember, 'index'> {
  name: string
  version: string
  /** Below the address of the upstream's archive; the files lie in it. */
  directory: string
  files: readonly PromisedFile[]
  /** Names the bytes of the stanza: changes at least whenever they do. */
  identity: string
  /** Byte for byte as in the Sources index. CACHE_DAMAGED. */
  stanza(): Buffer
}

/** The Sources indices of a mirror: finds the source that a package was built from. */
export class SourceCatalogue {
  readonly #members: readonly SourceMember[]
  #places: Map<string, Place[]> | undefined

  /** In order of preference. */
  constructor(members: readonly SourceMember[]) {
    this.#members = members
  }

  /**
   * Exactly this version, of the given upstream if it has it, else of the first that does; undefined when none has.
   * CACHE_DAMAGED.
   */
  find(name: string, version: string, upstream?: string): SourcePackage | undefined {
    this.#places ??= findPlaces(this.#members)
    const places = this.#places.get(`${name} ${version}`)
    const place = places?.find((one) => this.#members[one.member]!.upstream === upstream) ?? places?.[0]
    if (place === undefined) return undefined
    return (place.found ??= read(this.#members[place.member]!, place.row))
  }
}

interface Place {
  member: number
  row: number
  /** Once it has been asked for. */
  found?: SourcePackage
}

function findPlaces(members: readonly SourceMember[]): Map<string, Place[]> {
  const places = new Map<string, Place[]>()
  for (const [member, { index }] of members.entries()) {
    const { name, version } = index.columns
    for (let row = 0; row < index.rowCount; row++) {
      const key = `${index.word(name[row]!)} ${index.word(version[row]!)}`
      const known = places.get(key)
      if (known === undefined) places.set(key, [{ member, row }])
      else known.push({ member, row })
    }
  }
  return places
}

function read({ index, upstream, suite, component }: SourceMember, row: number): SourcePackage {
  return {
    name: index.word(index.columns.name[row]!),
    version: index.word(index.columns.version[row]!),
    directory: index.fields(row).path,
    files: checksumsOf(index.stanza(row)),
    identity: `${index.key}:${row}`,
    upstream,
    suite,
    component,
    stanza: () => index.stanza(row),
  }
}
