import type { Problem } from '../problem.ts'
import type { Source } from './source.ts'

/** Most problems that one file is told of. */
const mostProblems = 100

/**
 * Reads the smallest parts of a JSON text (RFC 8259) one after another, goes on after what people often get wrong,
 * and keeps a list of it. `lossy` is set when it had to guess what was meant.
 */
export class JsonScanner {
  readonly text: string
  readonly problems: Problem[] = []
  offset = 0
  lossy = false
  private readonly source: Source
  private quietUntil = -1
  private stopped = false

  constructor(source: Source) {
    this.source = source
    this.text = source.text
  }

  /** Code of the next character; NaN at the end. */
  get next(): number {
    return this.text.charCodeAt(this.offset)
  }

  isAtEnd(): boolean {
    return this.offset >= this.text.length
  }

  lineOf(offset: number): number {
    return this.source.positionAt(offset).line
  }

  report(offset: number, message: string, expected?: string, suggestion?: string): void {
    // What follows a guess on the same line is mostly its consequence.
    if (this.stopped || offset < this.quietUntil) return
    this.problems.push({
      severity: 'error',
      file: this.source.file,
      ...this.source.positionAt(offset),
      message,
      ...(expected === undefined ? {} : { expected }),
      ...(suggestion === undefined ? {} : { suggestion }),
    })
    if (this.problems.length >= mostProblems) this.stop()
  }

  /** Reports what cannot be understood for certain, and stays quiet for the rest of the line. */
  guess(offset: number, message: string, expected?: string, suggestion?: string): void {
    this.report(offset, message, expected, suggestion)
    this.lossy = true
    const end = this.text.indexOf('\n', Math.max(offset, this.offset))
    this.quietUntil = Math.max(this.quietUntil, end === -1 ? this.text.length + 1 : end)
  }

  /** Gives up: everything that is open ends here, in silence. */
  stop(): void {
    this.stopped = true
    this.lossy = true
    this.offset = this.text.length
  }

  /** Passes blanks, and comments, which JSON does not have. */
  skipBlank(): void {
    for (;;) {
      const code = this.next
      if (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) this.offset++
      else if (code === 0x23 || code === 0x2f) {
        if (!this.skipComment()) return
      } else if (code > 0x7f && oddBlank.test(this.text.charAt(this.offset))) {
        this.report(this.offset, `a character that only looks like a blank (${codePointName(code)})`, 'a blank')
        this.offset++
      } else return
    }
  }

  /** The characters up to the next blank or punctuation; at least one. */
  readWord(): string {
    wordPattern.lastIndex = this.offset
    const word = wordPattern.exec(this.text)?.[0] ?? this.text.charAt(this.offset)
    this.offset += word.length
    return word
  }

  readNumber(): number | string {
    const start = this.offset
    numberPattern.lastIndex = start
    const digits = numberPattern.exec(this.text)?.[0] ?? ''
    const word = this.readWord()
    if (word === digits) return Number(digits)
    this.guess(start, `${quote(word)} is not a number`, `text in double quotes: ${quote(word)}`)
    return word
  }

  private skipComment(): boolean {
    const start = this.offset
    const opening = this.text.startsWith('/*', start) ? '/*' : this.text.startsWith('//', start) ? '//' : '#'
    if (!this.text.startsWith(opening, start)) return false
    this.report(start, 'JSON has no comments', 'nothing here; larder.yaml and YAML lists may have comments')
    const end = this.text.indexOf(opening === '/*' ? '*/' : '\n', start + opening.length)
    this.offset = end === -1 ? this.text.length : end + (opening === '/*' ? 2 : 1)
    return true
  }
}

/** Text as a problem shows it: in quotes, shortened, with nothing in it that could disturb a terminal. */
export function quote(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text
  return `"${short.replace(unprintable, (character) => `<${codePointName(character.charCodeAt(0))}>`)}"`
}

/** `U+00A0` */
export function codePointName(code: number): string {
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
}

const oddBlank = /[\s\u200b-\u200f\u2060\ufeff]/
const unprintable = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g
const wordPattern = /[^\s,;:[\]{}"'`“”#]+/y
const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
