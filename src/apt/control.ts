import { LarderError } from '../core/index.ts'

export { splitStanzas, streamStanzas } from './stanza-boundary.ts'

export interface Field {
  /** As written; names are equal without regard to case. */
  name: string
  /** First line without blanks around it; further lines follow after `\n`, each with its leading blank. */
  value: string
  /** 1-based line in the file. */
  line: number
}

export interface StanzaPlace {
  /** Named in errors. Default: `control data`. */
  file?: string
  /** Line of the first byte in the file. Default: 1. */
  line?: number
  /** Whether lines that begin with `#` are comments, as in debian/control and deb822 sources. Default: no. */
  comments?: boolean
}

/** One paragraph of fields. */
export class Stanza {
  /** In the order written. */
  readonly fields: readonly Field[]
  /** Exactly what was read. */
  readonly bytes: Buffer
  readonly #byName: ReadonlyMap<string, Field>

  constructor(fields: readonly Field[], bytes: Buffer, byName: ReadonlyMap<string, Field>) {
    this.fields = fields
    this.bytes = bytes
    this.#byName = byName
  }

  get(name: string): string | undefined {
    return this.field(name)?.value
  }

  field(name: string): Field | undefined {
    return this.#byName.get(name.toLowerCase())
  }

  has(name: string): boolean {
    return this.field(name) !== undefined
  }

  /** Words of a field that lists them between blanks; none when it is absent. */
  words(name: string): string[] {
    return (this.get(name) ?? '').split(/\s+/).filter((word) => word !== '')
  }
}

/**
 * Reads one stanza; empty lines may stand around it. Lines end in LF or CR LF. A field given twice is refused.
 * Source: deb822(5), Debian Policy 5.1.
 *
 * @throws APT_STANZA_MALFORMED with file and line
 */
export function parseStanza(input: string | Uint8Array, place: StanzaPlace = {}): Stanza {
  const bytes = typeof input === 'string' ? Buffer.from(input) : asBuffer(input)
  const reader = new StanzaReader(place)
  const text = typeof input === 'string' ? input : bytes.toString('utf8')
  let start = 0
  while (start < text.length) {
    let end = text.indexOf('\n', start)
    if (end < 0) end = text.length
    reader.take(text.slice(start, text.charCodeAt(end - 1) === carriageReturn && end > start ? end - 1 : end))
    start = end + 1
  }
  return reader.finish(bytes)
}

const carriageReturn = 0x0d

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Takes line after line. */
class StanzaReader {
  private readonly place: StanzaPlace
  private readonly fields: Field[] = []
  private readonly byName = new Map<string, Field>()
  private continued: string[] = []
  private line: number
  private ended = false

  constructor(place: StanzaPlace) {
    this.place = place
    this.line = (place.line ?? 1) - 1
  }

  take(line: string): void {
    this.line++
    if (line === '') {
      this.ended = this.fields.length > 0
      return
    }
    if (this.place.comments === true && line.startsWith('#')) return
    if (this.ended) this.fail('a second stanza begins where one was expected')
    if (line.includes('\0')) this.fail('a NUL character')
    if (line.startsWith(' ') || line.startsWith('\t')) this.continueField(line)
    else this.beginField(line)
  }

  finish(bytes: Buffer): Stanza {
    this.endField()
    if (this.fields.length === 0) this.fail('no field at all')
    return new Stanza(this.fields, bytes, this.byName)
  }

  private beginField(line: string): void {
    this.endField()
    const colon = line.indexOf(':')
    if (line.startsWith('-----BEGIN PGP')) this.fail('OpenPGP armour where a field was expected')
    if (colon < 0) this.fail(`${shown(line)} has no colon`)
    const name = line.slice(0, colon)
    if (!isFieldName(name)) this.fail(`${shown(name)} is no field name`)
    const key = name.toLowerCase()
    if (this.byName.has(key)) this.fail(`the field ${name} is given twice`)
    const field = { name, value: line.slice(colon + 1).trim(), line: this.line }
    this.fields.push(field)
    this.byName.set(key, field)
  }

  private continueField(line: string): void {
    if (this.fields.length === 0) this.fail('a continuation line before any field')
    this.continued.push(line.trimEnd())
  }

  private endField(): void {
    const field = this.fields.at(-1)
    if (field === undefined || this.continued.length === 0) return
    field.value = `${field.value}\n${this.continued.join('\n')}`
    this.continued = []
  }

  private fail(fault: string): never {
    const file = this.place.file ?? 'control data'
    throw new LarderError('APT_STANZA_MALFORMED', {
      message: `${file}:${Math.max(1, this.line)}: ${fault}.`,
      context: { file, line: this.line },
    })
  }
}

/** Source: Policy 5.1: printable, neither blank nor colon, and not `#` or `-` at the beginning. */
function isFieldName(name: string): boolean {
  if (name === '' || name.startsWith('#') || name.startsWith('-')) return false
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i)
    if (code <= 0x20 || code >= 0x7f) return false
  }
  return true
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
