import { createHash } from 'node:crypto'
import {
  laterRelations,
  type PackageRows,
  RelationField,
  relationFieldCount,
  type RelationName,
} from '../package-rows.ts'
import { Universe } from '../universe.ts'

/** A package of a test: relations in canonical text. It provides its own name and version besides. */
export interface PackageEntry extends Partial<Record<RelationName, readonly string[]>> {
  name: string
  /** Default: `1-1`. */
  evr?: string
  /** Default: `x86_64`. */
  arch?: string
  /** Paths that primary.xml lists. */
  files?: readonly string[]
  /** Sets packages of one name and version apart. */
  content?: string
  sizeBytes?: number
}

/** `name`, `name 2-1`, `name 2-1 noarch`, with what else there is to say. */
export type Entry = readonly [string, Omit<PackageEntry, 'name' | 'evr' | 'arch'>?] | PackageEntry

export function entryOf(entry: Entry): PackageEntry {
  if (!isShort(entry)) return entry
  const [name = '', evr, arch] = entry[0].split(' ')
  return { ...entry[1], name, ...(evr === undefined ? {} : { evr }), ...(arch === undefined ? {} : { arch }) }
}

/** A universe of upstreams in order of preference, called up0, up1, … */
export function rpmUniverseOf(
  upstreams: readonly (readonly Entry[])[],
  architectures: readonly string[] = ['x86_64'],
): Universe {
  return new Universe(
    upstreams.map((entries, rank) => ({ index: rowsOf(entries, `up${rank}`), upstream: `up${rank}`, rank })),
    architectures,
  )
}

/** What a compiled primary.xml would answer, from a table in memory. */
function rowsOf(entries: readonly Entry[], key = 'test'): PackageRows {
  const packages = entries.map(entryOf)
  const words = new Numbered()
  const clauses = new Numbered()
  const relation: number[] = []
  const relationStart: number[] = []
  const file: number[] = []
  const fileStart: number[] = []
  for (const one of packages) {
    for (const field of Object.keys(RelationField) as (keyof typeof RelationField)[]) {
      relationStart.push(relation.length)
      for (const text of relationsOf(one, field)) relation.push(clauses.of(text))
    }
    fileStart.push(file.length)
    for (const path of one.files ?? []) file.push(words.of(path))
  }
  const column = (textOf: (one: PackageEntry) => string): Uint32Array =>
    Uint32Array.from(packages, (one) => words.of(textOf(one)))
  const columns = {
    nameOf: column(({ name }) => name),
    evrOf: column(evrOf),
    architectureOf: column(architectureOf),
    sizeBytesOf: Float64Array.from(packages, ({ sizeBytes }) => sizeBytes ?? 1000),
    relationStart: Uint32Array.from([...relationStart, relation.length]),
    relation: Uint32Array.from(relation),
    fileStart: Uint32Array.from([...fileStart, file.length]),
    file: Uint32Array.from(file),
  }
  if (columns.relationStart.length !== packages.length * relationFieldCount + 1) throw new Error('fields are missing')
  return {
    key,
    label: `upstream ${key}`,
    rowCount: packages.length,
    isDamaged: false,
    namespaces: {},
    wordCount: words.texts.length,
    word: (id) => words.texts[id]!,
    clauseCount: clauses.texts.length,
    clause: (id) => clauses.texts[id]!,
    ...columns,
    laterRelations: (row, interner) => {
      const fields = laterRelations.flatMap((field) => {
        const texts = relationsOf(packages[row]!, field).map((text) => Buffer.from(text))
        return texts.length === 0 ? [] : [[field, texts.map((text) => interner.intern(text, 0, text.length))] as const]
      })
      return Object.fromEntries(fields)
    },
    location: (row) => `Packages/${nevraOf(packages[row]!)}.rpm`,
    baseUrl: () => undefined,
    checksum: (row) => ({ type: 'sha256', hex: checksumOf(packages[row]!) }),
    rowsOfChecksums: (wanted) => {
      const rows = packages.map((one, row) => ({ row, hex: checksumOf(one) })).filter(({ hex }) => wanted.has(hex))
      return new Map([...Map.groupBy(rows, ({ hex }) => hex)].map(([hex, all]) => [hex, all.map(({ row }) => row)]))
    },
    sourceRpm: () => '',
    fragment: (row) => Buffer.from(`<package>${nevraOf(packages[row]!)}</package>`),
  }
}

export function nevraOf(one: PackageEntry): string {
  return `${one.name}-${evrOf(one).replace(/^\d+:/, '')}.${architectureOf(one)}`
}

/** What a test package has for a checksum. */
export function checksumOf(one: PackageEntry): string {
  return createHash('sha256')
    .update(`${nevraOf(one)} ${one.content ?? ''}`)
    .digest('hex')
}

function relationsOf(one: PackageEntry, field: RelationName): readonly string[] {
  const given = one[field] ?? []
  return field === 'provides' ? [...given, `${one.name} = ${evrOf(one)}`] : given
}

function evrOf({ evr }: PackageEntry): string {
  return evr ?? '1-1'
}

function architectureOf({ arch }: PackageEntry): string {
  return arch ?? 'x86_64'
}

function isShort(entry: Entry): entry is readonly [string, Omit<PackageEntry, 'name' | 'evr' | 'arch'>?] {
  return Array.isArray(entry)
}

class Numbered {
  readonly texts: string[] = []
  private readonly ids = new Map<string, number>()

  of(text: string): number {
    const known = this.ids.get(text)
    if (known !== undefined) return known
    const id = this.texts.push(text) - 1
    this.ids.set(text, id)
    return id
  }
}
