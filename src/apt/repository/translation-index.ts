import { type Chunk, type Cuttable, planChunks } from '../../pieces/index.ts'
import type { PlacedPackage } from './placed-package.ts'

/** Long descriptions, found by what Packages says of them. */
export interface TranslationTable {
  /** Changes when the answers may change. */
  readonly identity: string
  /** Exact stanza (`Package`, `Description-md5`, `Description-en`), ended by one newline. */
  find(name: string, descriptionMd5: string): Buffer | undefined
}

/**
 * `Translation-en` cut down to these packages: one stanza for each package name and description, in the order of
 * the packages. Packages whose stanza has the whole description itself have no `Description-md5` and need none.
 */
export function planTranslation(packages: readonly PlacedPackage[], table: TranslationTable): Chunk[] {
  return planChunks(`translation 1 ${table.identity}\n`, groupByName(packages), {
    fingerprint: (group) => group.fingerprint,
    render: ({ name, members }) => {
      const sums = new Set(members.flatMap((item) => descriptionMd5(item.source.stanza()) ?? []))
      const stanzas = [...sums].flatMap((sum) => table.find(name, sum) ?? [])
      return Buffer.concat(stanzas.flatMap((stanza) => [stanza, newline]))
    },
  })
}

interface NameGroup extends Cuttable {
  fingerprint: string
  members: PlacedPackage[]
}

function groupByName(packages: readonly PlacedPackage[]): NameGroup[] {
  const groups: NameGroup[] = []
  for (const item of packages) {
    const last = groups.at(-1)
    if (last?.name === item.name) {
      last.members.push(item)
      last.fingerprint += item.fingerprint
    } else {
      const { name, mayBegin, fingerprint } = item
      groups.push({ name, mayBegin, fingerprint, members: [item] })
    }
  }
  return groups
}

function descriptionMd5(stanza: Buffer): string | undefined {
  const at = stanza.indexOf(field)
  if (at < 0) return undefined
  const sum = stanza
    .toString('latin1', at + field.length, at + field.length + 40)
    .trim()
    .split('\n')[0]!
    .trim()
  return /^[0-9a-f]{32}$/.test(sum) ? sum : undefined
}

const field = '\nDescription-md5:'
const newline = Buffer.from('\n')
