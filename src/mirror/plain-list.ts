import type { ListedPackage } from './format.ts'
import { noOptions } from './package-list-entry.ts'

/**
 * Reads a JSON list of names alone, as nearly all large ones are: 60,000 names are had without a document of them, which
 * would be most of what a push of one more costs. Says what parsePackageList says; undefined for every other list, and
 * for whatever there may be something to say about.
 */
export function parsePlainList(bytes: Uint8Array, file: string): ListedPackage[] | undefined {
  if (!/\.json$/i.test(file) || bytes.length > largestBytes) return undefined
  // As latin1, bytes that are not ASCII become characters that no plain name has.
  const scanner = new PlainScanner(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'))
  if (!scanner.pass(opening)) return undefined
  const list: ListedPackage[] = []
  do {
    scanner.skipBlanks()
    const { line, column } = scanner
    const name = scanner.readName()
    if (name === undefined) return undefined
    list.push({ name, exclude: noOptions.exclude, position: { file, line, column } })
  } while (scanner.pass(comma))
  return scanner.pass(closing) && scanner.isAtEnd() ? list : undefined
}

/** More than any list of names has. */
const largestBytes = 1 << 24
const longestName = 200
const [opening, closing, comma, quote, newline] = [0x5b, 0x5d, 0x2c, 0x22, 0x0a]

/** 1 for what a name begins with, 2 for what else it may have: see parseNames. */
const kindOf = new Uint8Array(256)
for (let code = 0; code < 128; code++) {
  const character = String.fromCharCode(code)
  if (/[A-Za-z0-9]/.test(character)) kindOf[code] = 1
  else if (/[+._-]/.test(character)) kindOf[code] = 2
}

class PlainScanner {
  line = 1
  private readonly text: string
  private offset = 0
  private lineStart = 0

  constructor(text: string) {
    this.text = text
  }

  get column(): number {
    return this.offset - this.lineStart + 1
  }

  /** Whether there is nothing but blanks to come. */
  isAtEnd(): boolean {
    this.skipBlanks()
    return this.offset === this.text.length
  }

  /** Steps over a character, where it is the next but blanks. */
  pass(code: number): boolean {
    this.skipBlanks()
    if (this.text.charCodeAt(this.offset) !== code) return false
    this.offset++
    return true
  }

  skipBlanks(): void {
    const { text } = this
    for (;;) {
      const code = text.charCodeAt(this.offset)
      if (code !== 0x20 && code !== newline && code !== 0x0d && code !== 0x09) return
      this.offset++
      if (code !== newline) continue
      this.line++
      this.lineStart = this.offset
    }
  }

  /** A plain name in quotes. */
  readName(): string | undefined {
    const { text } = this
    const start = this.offset + 1
    if (text.charCodeAt(this.offset) !== quote || kindOf[text.charCodeAt(start)] !== 1) return undefined
    let end = start + 1
    while (kindOf[text.charCodeAt(end)]! > 0) end++
    if (text.charCodeAt(end) !== quote || end - start > longestName) return undefined
    this.offset = end + 1
    return text.slice(start, end)
  }
}
