import { codePointName, type JsonScanner } from './json-scanner.ts'

/** Reads text in double quotes; the scanner is at the opening one. */
export function readJsonString(scanner: JsonScanner): string {
  const start = scanner.offset
  const end = scanner.text.indexOf('"', start + 1)
  const body = scanner.text.slice(start + 1, end === -1 ? start + 1 : end)
  if (end === -1 || needsCare.test(body)) return readWithCare(scanner, '"')
  scanner.offset = end + 1
  return body
}

/** Reads text in quotes that JSON does not have: `'…'`, `` `…` ``, `“…”`. */
export function readOddlyQuoted(scanner: JsonScanner): string {
  const opening = scanner.text.charAt(scanner.offset)
  const kind = opening === '“' || opening === '”' ? 'typographic quotes' : `${opening} quotes`
  scanner.report(scanner.offset, `text in ${kind}`, 'text in double quotes (")')
  return readWithCare(scanner, opening === '“' ? '”' : opening)
}

export function isOddQuote(code: number): boolean {
  return code === 0x27 || code === 0x60 || code === 0x201c || code === 0x201d
}

/** RFC 8259 §7: what must be escaped, and escapes. */
const needsCare = /[\\\u0000-\u001f]/
const escapes: Record<string, string> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

/** Character by character: escapes, what must be escaped and is not, and text that its line does not close. */
function readWithCare(scanner: JsonScanner, closing: string): string {
  const start = scanner.offset
  const parts: string[] = []
  scanner.offset++
  for (;;) {
    const character = scanner.text.charAt(scanner.offset)
    if (character === closing) {
      scanner.offset++
      return parts.join('')
    }
    if (character === '' || character === '\n') return notClosed(scanner, start, closing)
    if (character === '\\') parts.push(readEscape(scanner, closing))
    else {
      const code = character.charCodeAt(0)
      if (code < 0x20 && !(character === '\r' && scanner.text.charAt(scanner.offset + 1) === '\n')) {
        scanner.report(scanner.offset, `a control character (${codePointName(code)}) in text`, escapeFor(code))
      }
      parts.push(character)
      scanner.offset++
    }
  }
}

function readEscape(scanner: JsonScanner, closing: string): string {
  const at = scanner.offset
  const letter = scanner.text.charAt(at + 1)
  const hex = scanner.text.slice(at + 2, at + 6)
  if (letter === 'u' && /^[0-9a-fA-F]{4}$/.test(hex)) {
    scanner.offset += 6
    return String.fromCharCode(Number.parseInt(hex, 16))
  }
  const plain = letter === closing ? closing : Object.hasOwn(escapes, letter) ? escapes[letter] : undefined
  if (plain !== undefined) {
    scanner.offset += 2
    return plain
  }
  scanner.report(at, 'a backslash that begins no escape of JSON', 'two backslashes (\\\\) for a backslash')
  scanner.offset++
  return '\\'
}

/** The text is taken to end before the punctuation that ends its line. */
function notClosed(scanner: JsonScanner, start: number, closing: string): string {
  const raw = scanner.text.slice(start + 1, scanner.offset)
  const text = raw.replace(/[\s,;\]}]+$/, '')
  scanner.offset = start + 1 + text.length
  scanner.guess(start, 'text that is not closed on its line', `a closing ${closing}`)
  return text
}

function escapeFor(code: number): string {
  return code === 0x09 ? 'a blank, or \\t' : `\\u${code.toString(16).padStart(4, '0')}`
}
