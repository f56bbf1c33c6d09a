import { LarderError } from '../core/index.ts'

export type RelationOperator = '=' | '>=' | '<=' | '>>' | '<<'

/** One alternative of a relation: `libc6:any (>= 2.36) [amd64 !i386] <!nocheck>`. */
export interface Atom {
  name: string
  /** What follows the colon of the name: `any`, `native` or an architecture. */
  architecture?: string
  operator?: RelationOperator
  version?: string
  /** `amd64`, `!i386`: only in relations of sources. */
  restrictedTo?: string[]
  /** Each list is one `<…>`; the atom counts when all terms of any list hold. Only in relations of sources. */
  profiles?: string[][]
}

/** What a package provides; only a versioned one satisfies a versioned relation. */
export interface Provided {
  name: string
  version?: string
}

/**
 * Reads a relation field: the outer list must all hold, of each inner list one. An empty field is an empty list, and
 * so is what stands between two commas. As dpkg and apt do, `<` and `>` mean `<=` and `>=`, and no operator means `=`.
 * Source: deb-control(5), Debian Policy 7.1.
 *
 * @throws APT_DEPENDENCY_MALFORMED
 */
export function parseRelations(field: string): Atom[][] {
  const scanner = new RelationScanner(field)
  const groups: Atom[][] = []
  for (;;) {
    scanner.skipSpace()
    if (scanner.atEnd()) return groups
    if (scanner.accept(comma)) continue
    const group = [scanner.readAtom()]
    while (scanner.accept(bar)) {
      scanner.skipSpace()
      group.push(scanner.readAtom())
    }
    groups.push(group)
    if (!scanner.atEnd() && !scanner.accept(comma)) scanner.fail('expected "," or "|"')
  }
}

/**
 * Reads a Provides field.
 *
 * @throws APT_DEPENDENCY_MALFORMED also for alternatives and for operators other than `=`
 */
export function parseProvides(field: string): Provided[] {
  return parseRelations(field).map((group) => {
    const [atom] = group
    if (atom === undefined || group.length > 1) throw malformed(field, 0, 'alternatives cannot be provided')
    if (atom.version === undefined) return { name: atom.name }
    if (atom.operator !== '=') throw malformed(field, 0, `${atom.name} is provided with ${atom.operator} in place of =`)
    return { name: atom.name, version: atom.version }
  })
}

/** `libc6:any (>= 2.36)`: what `parseRelations` reads back as the same. */
export function formatAtom(atom: Atom): string {
  const qualifier = atom.architecture === undefined ? '' : `:${atom.architecture}`
  const version = atom.version === undefined ? '' : ` (${atom.operator ?? '='} ${atom.version})`
  const restriction = atom.restrictedTo === undefined ? '' : ` [${atom.restrictedTo.join(' ')}]`
  const profiles = (atom.profiles ?? []).map((terms) => ` <${terms.join(' ')}>`).join('')
  return `${atom.name}${qualifier}${version}${restriction}${profiles}`
}

/** `default-mta | mail-transport-agent` */
export function formatGroup(group: readonly Atom[]): string {
  return group.map(formatAtom).join(' | ')
}

/** A name that a new package may have: two or more of `a-z 0-9 + - .`, first a letter or digit. Source: Policy 5.6.1. */
export function isPackageName(text: string): boolean {
  if (text.length < 2) return false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const alphanumeric = (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39)
    if (!alphanumeric && (i === 0 || (code !== 0x2b && code !== 0x2d && code !== 0x2e))) return false
  }
  return true
}

/** A name that dpkg installs, found in the wild: also upper case, `_`, and a single character. */
export function isTolerablePackageName(text: string): boolean {
  if (text === '') return false
  for (let i = 0; i < text.length; i++) if (!isNameCode(text.charCodeAt(i), i === 0)) return false
  return true
}

const comma = 0x2c
const bar = 0x7c
const colon = 0x3a
const openParenthesis = 0x28
const closeParenthesis = 0x29
const openBracket = 0x5b
const closeBracket = 0x5d
const less = 0x3c
const greater = 0x3e
const equals = 0x3d

/** By hand and by character code: an index of 60,000 packages has some 400,000 relations. */
class RelationScanner {
  private readonly text: string
  private at = 0

  constructor(text: string) {
    this.text = text
  }

  readAtom(): Atom {
    const atom: Atom = { name: this.readName() }
    if (this.accept(colon)) atom.architecture = this.readWord('an architecture')
    this.skipSpace()
    if (this.accept(openParenthesis)) this.readVersion(atom)
    if (this.accept(openBracket)) atom.restrictedTo = this.readList(closeBracket)
    while (this.accept(less)) (atom.profiles ??= []).push(this.readList(greater))
    return atom
  }

  atEnd(): boolean {
    return this.at >= this.text.length
  }

  accept(code: number): boolean {
    if (this.text.charCodeAt(this.at) !== code) return false
    this.at++
    return true
  }

  skipSpace(): void {
    while (isSpace(this.text.charCodeAt(this.at))) this.at++
  }

  fail(fault: string): never {
    throw malformed(this.text, this.at, fault)
  }

  private readName(): string {
    const start = this.at
    while (isNameCode(this.text.charCodeAt(this.at), this.at === start)) this.at++
    if (this.at === start) this.fail('expected a package name')
    return this.text.slice(start, this.at)
  }

  private readVersion(atom: Atom): void {
    this.skipSpace()
    atom.operator = this.readOperator()
    this.skipSpace()
    const start = this.at
    while (isVersionCode(this.text.charCodeAt(this.at))) this.at++
    if (this.at === start) this.fail('expected a version')
    atom.version = this.text.slice(start, this.at)
    this.skipSpace()
    if (!this.accept(closeParenthesis)) this.fail('expected ")"')
    this.skipSpace()
  }

  private readOperator(): RelationOperator {
    if (this.accept(equals)) return '='
    if (this.accept(less)) return this.accept(less) ? '<<' : this.acceptEquals('<=')
    if (this.accept(greater)) return this.accept(greater) ? '>>' : this.acceptEquals('>=')
    return '='
  }

  private acceptEquals<Operator>(operator: Operator): Operator {
    this.accept(equals)
    return operator
  }

  private readList(close: number): string[] {
    const words: string[] = []
    for (;;) {
      this.skipSpace()
      if (this.accept(close)) break
      const negated = this.accept(0x21) ? '!' : ''
      words.push(negated + this.readWord('a word or the closing bracket'))
    }
    this.skipSpace()
    return words
  }

  private readWord(expected: string): string {
    const start = this.at
    while (isWordCode(this.text.charCodeAt(this.at))) this.at++
    if (this.at === start) this.fail(`expected ${expected}`)
    return this.text.slice(start, this.at)
  }
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d)
}

function isAlphanumeric(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a)
}

/** Source: dpkg, the grammar of names that it accepts. */
function isNameCode(code: number, first: boolean): boolean {
  return isAlphanumeric(code) || (!first && (code === 0x2d || code === 0x2e || code === 0x2b || code === 0x5f))
}

/** Printable and not of the punctuation around it; dpkg itself only warns of odd characters here. */
function isVersionCode(code: number): boolean {
  // Written so that NaN, the end of the text, is refused too
  if (!(code > 0x20 && code < 0x7f)) return false
  return code !== openParenthesis && code !== closeParenthesis && code !== comma && code !== bar && code !== less
}

/** Architectures, profiles: `linux-any`, `pkg.glibc.nolibs`. */
function isWordCode(code: number): boolean {
  return isNameCode(code, false)
}

function malformed(field: string, at: number, fault: string): LarderError {
  const shown = field.slice(Math.max(0, at - 40), at + 40)
  return new LarderError('APT_DEPENDENCY_MALFORMED', {
    message: `The relation ${JSON.stringify(shown)} is malformed at character ${at + 1} of the field: ${fault}.`,
    hint: 'Relations look like nginx, nginx (>= 1.22) or exim4 | mail-transport-agent.',
    context: { field: field.slice(0, 500), at },
  })
}
