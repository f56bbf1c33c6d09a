import { ownValue } from '../../core/index.ts'
import {
  makeHostSource,
  malformedSource,
  type HostSource,
  type SourcePlace,
  type SourceSurroundings,
} from './host-source.ts'

/**
 * Reads a `.list` file: `deb [option=value …] URI SUITE COMPONENT…`. Source: sources.list(5), "one-line-style format".
 *
 * @throws APT_SOURCES_MALFORMED with file and line
 */
export function parseOneLineSources(bytes: Uint8Array, file: string, surroundings: SourceSurroundings): HostSource[] {
  const lines = Buffer.from(bytes).toString('utf8').split('\n')
  return lines.flatMap((line, index) => {
    const entry = withoutComment(line).trim()
    return entry === '' ? [] : [parseEntry(entry, { file, line: index + 1 }, surroundings)]
  })
}

function parseEntry(entry: string, place: SourcePlace, surroundings: SourceSurroundings): HostSource {
  const words = new WordReader(entry, place)
  const type = words.next()
  if (type !== 'deb' && type !== 'deb-src') throw malformedSource(place, `the type ${type ?? ''} is not known`)
  const options = words.options()
  const uri = words.next()
  const suite = words.next()
  if (uri === undefined || suite === undefined) throw malformedSource(place, 'expected an address and a suite')
  const components: string[] = []
  for (let word = words.next(); word !== undefined; word = words.next()) components.push(word)
  return makeHostSource({ types: [type], uris: [uri], suites: [suite], components, options }, place, surroundings)
}

/** A `#` inside `[…]` is none. */
function withoutComment(line: string): string {
  for (let at = 0; at < line.length; at++) {
    if (line[at] === '#') return line.slice(0, at)
    const end = line[at] === '[' ? line.indexOf(']', at) : -1
    if (end > 0) at = end
  }
  return line
}

/** Names in this form to those in deb822. */
const optionNames: Readonly<Record<string, string>> = {
  arch: 'Architectures',
  'arch+': 'Architectures-Add',
  'arch-': 'Architectures-Remove',
  'signed-by': 'Signed-By',
  trusted: 'Trusted',
  'check-valid-until': 'Check-Valid-Until',
  'check-date': 'Check-Date',
  'allow-insecure': 'Allow-Insecure',
  'by-hash': 'By-Hash',
}

/** Words between blanks; quotes keep blanks together, brackets too, and `%20` is a character. */
class WordReader {
  private readonly text: string
  private readonly place: SourcePlace
  private at = 0

  constructor(text: string, place: SourcePlace) {
    this.text = text
    this.place = place
  }

  next(): string | undefined {
    this.skipBlanks()
    const start = this.at
    while (this.at < this.text.length && !isBlank(this.text[this.at])) {
      const close = this.text[this.at] === '"' ? '"' : this.text[this.at] === '[' ? ']' : undefined
      this.at = close === undefined ? this.at + 1 : this.after(close)
    }
    return start === this.at ? undefined : decodeWord(this.text.slice(start, this.at))
  }

  /** `[arch=amd64,i386 signed-by=/path]`, where one stands here. */
  options(): Map<string, string> {
    this.skipBlanks()
    const options = new Map<string, string>()
    if (this.text[this.at] !== '[') return options
    const start = this.at + 1
    this.at = this.after(']')
    for (const option of this.text.slice(start, this.at - 1).split(/\s+/)) {
      if (option !== '') this.addOption(options, option)
    }
    return options
  }

  private addOption(options: Map<string, string>, option: string): void {
    const equals = option.indexOf('=')
    if (equals < 1 || equals === option.length - 1) {
      throw malformedSource(this.place, `the option ${JSON.stringify(option)} is not of the form name=value`)
    }
    const name = option.slice(0, equals)
    options.set(ownValue(optionNames, name) ?? name, decodeWord(option.slice(equals + 1)))
  }

  private after(close: string): number {
    const end = this.text.indexOf(close, this.at + 1)
    if (end < 0) throw malformedSource(this.place, `expected ${close}`)
    return end + 1
  }

  private skipBlanks(): void {
    while (isBlank(this.text[this.at])) this.at++
  }
}

function isBlank(character: string | undefined): boolean {
  return character !== undefined && /\s/.test(character)
}

function decodeWord(word: string): string {
  return word
    .replaceAll('"', '')
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
