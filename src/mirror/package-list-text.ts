import { quote } from '../core/index.ts'
import type { ListedPackage } from './format.ts'

/** Something wrong in a text; the caller knows where the text is. */
export interface Mistake {
  severity?: 'warning'
  message: string
  expected?: string
  suggestion?: string
}

type Constraint = NonNullable<ListedPackage['constraint']>
export type NamedPackage = Pick<ListedPackage, 'name' | 'constraint' | 'architecture'>

/**
 * Reads names with blanks between them, each alone, with an architecture (`libc6:amd64`), or with a version
 * (`nginx (>= 1.22)`, `nginx >= 1.22`, `nginx=1.22.1-9`). A name with a mistake is left out.
 */
export function parseNames(text: string): { names: NamedPackage[]; mistakes: Mistake[] } {
  if (text.length <= longestName && simple.test(text)) return { names: [{ name: text }], mistakes: [] }
  const foreign = foreignCharacter(text) ?? unbalanced(text)
  if (foreign !== undefined) return { names: [], mistakes: [foreign] }
  const names: NamedPackage[] = []
  const mistakes: Mistake[] = []
  for (const match of text.matchAll(item)) {
    const [whole, name = '', inBrackets, bracketed = '', operator, version = ''] = match
    const constraint = inBrackets ?? (operator === undefined ? undefined : `${operator} ${version}`)
    const parsed = name === '' ? { mistakes: [unexpected(whole)] } : parseOne(name, constraint, bracketed)
    mistakes.push(...parsed.mistakes)
    if ('named' in parsed && parsed.mistakes.length === 0) names.push(parsed.named)
  }
  return { names, mistakes }
}

/** Reads `>= 1.22`, `= 1.22.1-9`, or `1.22.1-9` alone, which means exactly that one. */
export function parseConstraint(text: string): { constraint: Constraint | undefined; mistakes: Mistake[] } {
  const [, written = '', version = ''] = /^\s*([=<>!~^]*)\s*(.*?)\s*$/s.exec(text) ?? []
  const operator = written === '' ? '=' : written
  if (!isOperator(operator)) return { constraint: undefined, mistakes: [wrongOperator(operator)] }
  if (!versionPattern.test(version)) {
    const message = version === '' ? `${operator} without a version` : `${quote(version)} is not a version`
    return { constraint: undefined, mistakes: [{ message, expected: `a version after ${operator}, such as 1.22.1-9` }] }
  }
  return { constraint: { operator, version }, mistakes: [] }
}

/** What nearly all lists consist of. */
const simple = /^[A-Za-z0-9][A-Za-z0-9+._-]*$/
/** A file that a package holds: where a format knows which, it takes the package. */
const path = /^(?:\/[A-Za-z0-9_][A-Za-z0-9+._-]*)+$/
const versionPattern = /^[A-Za-z0-9][A-Za-z0-9.+~:^_-]*$/
export const architecturePattern = /^[a-z0-9][a-z0-9_-]*$/
/** A name; then perhaps a version in brackets or behind an operator. Else any run of other characters. */
const item = /([^\s()=<>!~^]+)(?:\s*\(([^()]*)(\))|\s*([=<>!~^]+)\s*([^\s()=<>]*))?|[^\s]+/g
const longestName = 200

function parseOne(
  text: string,
  constraintText: string | undefined,
  bracketed: string,
): { named: NamedPackage; mistakes: Mistake[] } {
  const colon = text.indexOf(':')
  const name = colon === -1 ? text : text.slice(0, colon)
  const architecture = colon === -1 ? undefined : text.slice(colon + 1)
  const mistakes = checkName(name, text)
  if (mistakes.length === 0 && architecture !== undefined && !architecturePattern.test(architecture)) {
    const message = `${quote(architecture)} after the colon is not an architecture`
    mistakes.push({ message, expected: 'name:architecture, such as libc6:amd64' })
  }
  const bare = bracketed !== '' && constraintText !== undefined && /^\s*[A-Za-z0-9]/.test(constraintText)
  if (bare) {
    const suggestion = `${name} (= ${constraintText.trim()})`
    return { named: { name }, mistakes: [...mistakes, { message: `a version without an operator`, suggestion }] }
  }
  const parsed = constraintText === undefined ? undefined : parseConstraint(constraintText)
  const named: NamedPackage = { name }
  if (architecture !== undefined) named.architecture = architecture
  if (parsed?.constraint !== undefined) named.constraint = parsed.constraint
  return { named, mistakes: [...mistakes, ...(parsed?.mistakes ?? [])] }
}

function checkName(name: string, text: string): Mistake[] {
  if (path.test(text) && text.length <= longestName && !/\.(deb|rpm)$/.test(text)) return []
  if (/:\/\/|^[./]|\.(deb|rpm)$/.test(text)) {
    const expected = 'the name of a package that an upstream holds'
    return [{ message: `${quote(text)} is a file or an address`, expected }]
  }
  if (simple.test(name)) {
    return name.length <= longestName
      ? []
      : [{ message: `a name of ${name.length} characters`, expected: `at most ${longestName}` }]
  }
  const shown = quote(text)
  if (text.startsWith('-'))
    return [{ message: `${shown} is an option of a command`, expected: 'names of packages alone' }]
  if (text.startsWith('@'))
    return [{ message: `${shown}: groups are not supported`, expected: 'each package by its name' }]
  if (/^[A-Za-z0-9][A-Za-z0-9+._-]*\/[a-z]/.test(text)) {
    const message = `${shown} chooses a suite`
    return [
      {
        message,
        expected: "the name alone; suites are in the mirror's settings",
        suggestion: text.split('/')[0] ?? '',
      },
    ]
  }
  if (text.includes(','))
    return [{ message: `a comma in ${shown}`, expected: 'blanks between names, or an entry for each' }]
  return [
    {
      message: `${shown} is not the name of a package`,
      expected: 'letters, digits and + . _ -, beginning with a letter or digit',
    },
  ]
}

/** Characters that are in no name, version or constraint. One mistake stands for the whole text: it may be a command. */
function foreignCharacter(text: string): Mistake | undefined {
  const found = /[^\x20-\x7e\t\n]|[;&|`$'"\\{}#%]|[*?[\]]/.exec(text)?.[0]
  if (found === undefined) return undefined
  if (/[*?[\]]/.test(found)) {
    return { message: `a pattern, ${quote(text)}`, expected: 'each name in full: patterns are not supported' }
  }
  return {
    message: `a character that is in no name of a package, ${quote(found)}, in ${quote(text)}`,
    expected: 'names alone',
  }
}

/** Brackets that do not belong together. */
function unbalanced(text: string): Mistake | undefined {
  const rest = text.replace(/\([^()]*\)/g, '')
  if (!/[()]/.test(rest)) return undefined
  const what = rest.includes('(') ? 'a ( that is not closed' : 'a ) that nothing opens'
  return { message: `${what}, in ${quote(text)}`, expected: 'name (>= version)' }
}

function unexpected(text: string): Mistake {
  return { message: `unexpected ${quote(text)}`, expected: 'the name of a package before it' }
}

function isOperator(text: string): text is Constraint['operator'] {
  return ['=', '>=', '<=', '>>', '<<'].includes(text)
}

function wrongOperator(operator: string): Mistake {
  const meant: Record<string, string> = {
    '>': '>>',
    '<': '<<',
    '==': '=',
    '===': '=',
    '=>': '>=',
    '=<': '<=',
    '~>': '>=',
    '^': '>=',
    '~': '>=',
  }
  const suggestion = meant[operator]
  const expected = 'one of =, >=, <=, >> (later), << (earlier)'
  return {
    message: `${quote(operator)} compares no versions`,
    expected,
    ...(suggestion === undefined ? {} : { suggestion }),
  }
}
