import { Field, type FieldId } from './field.ts'
import { StanzaScanner, type Stanza } from './scan-stanzas.ts'

/** What is asked of the packages that a mirror takes, and not of all that there are. */
export interface StanzaFields {
  /** Filename of a package, Directory of a source. */
  path: string
  /** 0 for a source. */
  sizeBytes: number
  installedSizeKiB: number
  /** Lower-case hex; of a package, at least one of the two is there. */
  sha256?: string
  sha512?: string
  /** Lower-case hex. */
  descriptionMd5?: string
  /** What the package was built from. Without the field, or without its version, what the package itself says. */
  source: { name: string; version: string }
}

/** Where the fields of a stanza lie that the index accepted. Overwritten by the next that is asked about. */
export function locateFields(bytes: Buffer): Stanza {
  scanner.scan(bytes, true)
  return located!
}

let located: Stanza | undefined
const scanner = new StanzaScanner({
  label: 'a stanza of a compiled index',
  maxStanzaBytes: Number.MAX_SAFE_INTEGER,
  onStanza: (stanza) => {
    located = stanza
  },
})

export function readFields(bytes: Buffer): StanzaFields {
  const stanza = locateFields(bytes)
  const text = (field: FieldId): string =>
    stanza.bytes.toString('latin1', stanza.valueStart[field], stanza.valueEnd[field])
  const [sha256, sha512, descriptionMd5] = [text(Field.sha256), text(Field.sha512), text(Field.descriptionMd5)]
  return {
    path: text(Field.filename) || text(Field.directory),
    sizeBytes: Number(text(Field.size)),
    installedSizeKiB: Number(text(Field.installedSize)),
    ...(sha256 === '' ? {} : { sha256: sha256.toLowerCase() }),
    ...(sha512 === '' ? {} : { sha512: sha512.toLowerCase() }),
    ...(/^[0-9a-fA-F]{32}$/.test(descriptionMd5) ? { descriptionMd5: descriptionMd5.toLowerCase() } : {}),
    source: sourceOf(text(Field.source), { name: text(Field.package), version: text(Field.version) }),
  }
}

/** `glibc (2.36-9)` */
function sourceOf(field: string, own: { name: string; version: string }): { name: string; version: string } {
  const name = /^[^ \t\r\n(]+/.exec(field)?.[0] ?? own.name
  const version = /^[^(]*\((.*)\)$/s.exec(field)?.[1] ?? own.version
  return { name, version }
}
