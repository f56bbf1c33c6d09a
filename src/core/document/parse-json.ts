import { ownValue } from '../own-value.ts'
import { createDocument, type ArrayPlace, type ObjectPlace, type Parsed, type Place } from './document.ts'
import { quote, JsonScanner } from './json-scanner.ts'
import { isOddQuote, readJsonString, readOddlyQuoted } from './json-string.ts'
import { createSource, type Source } from './source.ts'

/**
 * Reads JSON (RFC 8259) with the place of every value, and reports every mistake in it at once: it goes on after a
 * comma too many or too few, comments, other quotes, names without quotes. What JSON.parse accepts is read the same,
 * except that a name given twice, `__proto__`, and nesting deeper than 64 are mistakes. Never throws.
 */
export function parseJson(text: string | Source, file: string): Parsed {
  const source = typeof text === 'string' ? createSource(text, file) : text
  const reader = new JsonReader(source)
  const value = reader.readRoot()
  const { problems, lossy } = reader.scanner
  return { document: lossy ? undefined : createDocument(source, value, reader.place), problems }
}

const deepest = 64
const comma = 0x2c
const semicolon = 0x3b
const otherSpellings = { True: 'true', TRUE: 'true', False: 'false', FALSE: 'false', None: 'null', undefined: 'null' }
const closers: Record<string, string> = { '[': ']', '{': '}' }

class JsonReader {
  readonly scanner: JsonScanner
  /** Place of the value that was read last. */
  place: Place = 0
  private readonly open: { bracket: '[' | '{'; start: number }[] = []

  constructor(source: Source) {
    this.scanner = new JsonScanner(source)
  }

  readRoot(): unknown {
    const { scanner } = this
    scanner.skipBlank()
    if (scanner.isAtEnd()) {
      scanner.guess(0, 'the file is empty', '[] for nothing')
      return undefined
    }
    const value = this.readValue()
    const place = this.place
    scanner.skipBlank()
    if (!scanner.isAtEnd()) scanner.guess(scanner.offset, 'more text after the end of the document')
    this.place = place
    return value
  }

  private readValue(): unknown {
    const { scanner } = this
    const code = scanner.next
    if (code === 0x5b) return this.readArray()
    if (code === 0x7b) return this.readObject()
    this.place = scanner.offset
    if (code === 0x22) return readJsonString(scanner)
    if (code === 0x2d || (code >= 0x30 && code <= 0x39)) return scanner.readNumber()
    if (isOddQuote(code)) return readOddlyQuoted(scanner)
    return this.readBareWord()
  }

  private readBareWord(): unknown {
    const { scanner } = this
    const start = scanner.offset
    const word = scanner.readWord()
    if (word === 'true') return true
    if (word === 'false') return false
    if (word === 'null') return null
    const meant = ownValue(otherSpellings, word)
    if (meant !== undefined) scanner.guess(start, `${quote(word)} is not JSON`, undefined, meant)
    else if (/^\w/.test(word)) scanner.report(start, `${quote(word)} without quotes`, 'text in double quotes')
    else scanner.guess(start, `unexpected ${quote(word)}`, 'a value')
    return word
  }

  private readArray(): unknown[] {
    const { scanner } = this
    const values: unknown[] = []
    const place: ArrayPlace = { start: scanner.offset, items: [] }
    if (this.enter('[', place.start)) {
      this.readEntries('[', () => {
        values.push(this.readValue())
        place.items.push(this.place)
      })
    }
    this.place = place
    return values
  }

  private readObject(): Record<string, unknown> {
    const { scanner } = this
    const record: Record<string, unknown> = {}
    const place: ObjectPlace = { start: scanner.offset, members: [] }
    if (this.enter('{', place.start)) this.readEntries('{', () => this.readMember(record, place))
    this.place = place
    return record
  }

  /** Steps into a bracket, unless it is nested too deeply. */
  private enter(bracket: '[' | '{', start: number): boolean {
    this.scanner.offset++
    this.open.push({ bracket, start })
    if (this.open.length <= deepest) return true
    this.scanner.report(start, `nested more deeply than ${deepest}`)
    this.scanner.stop()
    return false
  }

  /** The entries of an array or object up to its closing bracket, with the commas between them. */
  private readEntries(bracket: '[' | '{', readEntry: () => void): void {
    const { scanner } = this
    let entryEnd = -1
    let lastComma = -1
    for (;;) {
      scanner.skipBlank()
      if (this.isClosed(bracket)) {
        if (lastComma !== -1 && entryEnd === -1) {
          scanner.report(lastComma, `a comma after the last entry`, `no comma before ${closers[bracket]}`)
        }
        break
      }
      if (scanner.next === comma || scanner.next === semicolon) {
        if (scanner.next === semicolon) scanner.report(scanner.offset, 'a semicolon', 'a comma between entries')
        else if (entryEnd === -1) scanner.report(scanner.offset, 'a comma too many')
        lastComma = entryEnd === -1 ? -1 : scanner.offset
        entryEnd = -1
        scanner.offset++
        continue
      }
      if (entryEnd !== -1) this.reportMissingComma(entryEnd)
      readEntry()
      entryEnd = scanner.offset
    }
    this.open.pop()
  }

  /** Passes the closing bracket, and says so when it is missing or of the other sort. */
  private isClosed(bracket: '[' | '{'): boolean {
    const { scanner } = this
    const found = scanner.text.charAt(scanner.offset)
    if (found === closers[bracket]) {
      scanner.offset++
      return true
    }
    if (found !== '' && found !== ']' && found !== '}' && found !== ')') return false
    const start = this.open.at(-1)!.start
    if (found === '') {
      scanner.guess(start, `this ${bracket} is never closed`, `a ${closers[bracket]} in the end`)
      scanner.stop()
      return true
    }
    const expected = `a ${closers[bracket]} for the ${bracket} of line ${scanner.lineOf(start)}`
    scanner.guess(scanner.offset, `unexpected ${found}`, expected)
    // It closes what is around, if that is of its sort: then this one's own bracket was forgotten.
    const around = this.open.at(-2)
    if (around === undefined || closers[around.bracket] !== found) scanner.offset++
    return true
  }

  private reportMissingComma(entryEnd: number): void {
    const { scanner } = this
    const touching = scanner.offset === entryEnd && scanner.text.charAt(entryEnd - 1) === '"'
    if (touching && /\w/.test(scanner.text.charAt(entryEnd))) {
      scanner.guess(entryEnd - 1, 'a quote that ends a text and has more right behind it', 'a " around each text')
    } else scanner.report(entryEnd, 'a comma is missing', 'a comma between entries')
  }

  private readMember(record: Record<string, unknown>, place: ObjectPlace): void {
    const { scanner } = this
    const keyStart = scanner.offset
    const key = this.readKey()
    const keyEnd = scanner.offset
    scanner.skipBlank()
    if (scanner.next === 0x3a) scanner.offset++
    else if (scanner.next === 0x3d) {
      scanner.report(scanner.offset, `= after ${quote(key)}`, 'a colon')
      scanner.offset += scanner.text.startsWith('=>', scanner.offset) ? 2 : 1
    } else if (!isEnd(scanner.next)) scanner.report(keyEnd, `a colon is missing after ${quote(key)}`)
    scanner.skipBlank()
    if (isEnd(scanner.next)) {
      scanner.guess(keyStart, `${quote(key)} has no value`, `a colon and a value after it`)
      return
    }
    const value = this.readValue()
    this.add(record, place, { key, keyStart, value })
  }

  private readKey(): string {
    const { scanner } = this
    const start = scanner.offset
    if (scanner.next === 0x22) return readJsonString(scanner)
    if (isOddQuote(scanner.next)) return readOddlyQuoted(scanner)
    if (scanner.next === 0x7b || scanner.next === 0x5b) {
      scanner.guess(start, `unexpected ${scanner.text.charAt(start)}`, 'a name in double quotes')
      this.readValue()
      return ''
    }
    const word = scanner.readWord()
    if (/^\w/.test(word)) scanner.report(start, `the name ${quote(word)} without quotes`, 'a name in double quotes')
    else scanner.guess(start, `unexpected ${quote(word)}`, 'a name in double quotes')
    return word
  }

  private add(
    record: Record<string, unknown>,
    place: ObjectPlace,
    member: { key: string; keyStart: number; value: unknown },
  ) {
    const { key, keyStart, value } = member
    if (key === '__proto__') this.scanner.guess(keyStart, 'the name "__proto__" is not allowed')
    else if (Object.hasOwn(record, key)) {
      const line = this.scanner.lineOf(place.members.find((earlier) => earlier.key === key)?.keyStart ?? keyStart)
      this.scanner.report(keyStart, `${quote(key)} is given twice, first in line ${line}`, 'each name once')
    } else {
      record[key] = value
      place.members.push({ key, keyStart, place: this.place })
    }
  }
}

function isEnd(code: number): boolean {
  return code === comma || code === 0x7d || code === 0x5d || Number.isNaN(code)
}
