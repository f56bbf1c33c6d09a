import type Mustache from 'mustache'
import { LarderError, lazyPackage } from '../../core/index.ts'

const mustache = lazyPackage((require) => require('mustache') as typeof Mustache)

/** A token of mustache.js: type, text, where it begins and ends, what is in its section. */
type Token = readonly [type: string, text: string, start: number, end: number, inner?: readonly Token[]]

/**
 * mustache(5) as text: nothing is escaped. A value that is not there is an error, since an empty place in a configuration
 * is found much later; a section may ask whether something is there. Partials and other delimiters are refused: a template is
 * one file. FLEET_TEMPLATE_INVALID with file and line.
 */
export function renderTemplate(text: string, variables: Readonly<Record<string, unknown>>, file: string): string {
  const write = (tokens: readonly Token[], scopes: readonly unknown[]): string =>
    tokens.map((token) => writeToken(token, scopes)).join('')
  const writeToken = (token: Token, scopes: readonly unknown[]): string => {
    const [type, name, start, , inner = []] = token
    if (type === 'text') return name
    if (type === '!') return ''
    const value = lookUp(name, scopes)
    if (type === '^') return isEmpty(value) ? write(inner, scopes) : ''
    if (type === '#') {
      if (isEmpty(value)) return ''
      if (Array.isArray(value)) return value.map((item: unknown) => write(inner, [item, ...scopes])).join('')
      return write(inner, [value, ...scopes])
    }
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value)
    const what = value === undefined || value === null ? 'is not there' : 'is a list or a map, not text'
    throw invalid({ file, text, at: start }, `${JSON.stringify(name)} ${what}`)
  }
  return write(parseTemplate(text, file), [variables])
}

export interface TemplateName {
  /** `machine.name` */
  readonly name: string
  readonly line: number
  /** Within a section names may be those of its items. */
  readonly isOutermost: boolean
}

/** Secrets that a template shows, and those whose sections ask whether they are there. FLEET_TEMPLATE_INVALID. */
export function templateSecrets(text: string, file: string): { shown: string[]; asked: string[] } {
  const askedIn = (tokens: readonly Token[]): string[] =>
    tokens.flatMap(([, name, , , inner]) => (inner === undefined ? [] : [name, ...askedIn(inner)]))
  const secretsOf = (names: readonly string[]): string[] =>
    names.flatMap((name) => /^secrets\.(.+)$/.exec(name)?.[1] ?? [])
  const shown = secretsOf(templateNames(text, file).map(({ name }) => name))
  const asked = secretsOf(askedIn(parseTemplate(text, file)))
  return { shown: [...new Set(shown)], asked: [...new Set(asked)].filter((name) => !shown.includes(name)) }
}

/** Names whose values a template shows, but where their own section has asked whether they are there. FLEET_TEMPLATE_INVALID. */
export function templateNames(text: string, file: string): TemplateName[] {
  const namesOf = (tokens: readonly Token[], within: readonly string[]): TemplateName[] =>
    tokens.flatMap(([type, name, start, , inner]) => {
      if (inner !== undefined) return namesOf(inner, [...within, `${type}${name}`])
      if (type === 'text' || type === '!' || within.includes(`#${name}`)) return []
      return [{ name, line: lineOf(text, start), isOutermost: within.length === 0 }]
    })
  return namesOf(parseTemplate(text, file), [])
}

/** The variables that a template may look at: what it shows, and what its sections ask for or go through. FLEET_TEMPLATE_INVALID. */
export function templateVariables(text: string, file: string): string[] {
  const firstParts = (tokens: readonly Token[]): string[] =>
    tokens.flatMap(([type, name, , , inner = []]) =>
      type === 'text' || type === '!' ? [] : [name.split('.')[0]!, ...firstParts(inner)],
    )
  return [...new Set(firstParts(parseTemplate(text, file)))]
}

function parseTemplate(text: string, file: string): readonly Token[] {
  const parse = (): readonly Token[] => {
    try {
      return mustache().parse(text) as unknown as readonly Token[]
    } catch (error) {
      // mustache.js throws plain Errors: "Unclosed section "x" at 17".
      if (!(error instanceof Error)) throw error
      const at = / at ([0-9]+)$/.exec(error.message)
      const message = error.message.replace(/ at [0-9]+$/, '').replace(/^./, (first) => first.toLowerCase())
      throw invalid({ file, text, at: Number(at?.[1] ?? 0) }, message, error)
    }
  }
  const tokens = parse()
  refuse(tokens, { file, text })
  return tokens
}

function refuse(tokens: readonly Token[], source: { file: string; text: string }): void {
  for (const [type, name, at, , inner] of tokens) {
    if (type === '>') throw invalid({ ...source, at }, `the partial ${JSON.stringify(name)}: a template is one file`)
    if (type === '=') throw invalid({ ...source, at }, 'other delimiters are not known here')
    if (inner !== undefined && name === 'secrets') {
      throw invalid({ ...source, at }, '"secrets" is no list: a section asks for one of them, as in {{#secrets.db}}')
    }
    refuse(inner ?? [], source)
  }
}

/** The innermost scope that has the first part of the name; own properties only, so that nothing of JavaScript shows. */
function lookUp(name: string, scopes: readonly unknown[]): unknown {
  if (name === '.') return scopes[0]
  const [first = '', ...rest] = name.split('.')
  const scope = scopes.find((candidate) => owns(candidate, first))
  return owns(scope, first) ? valueBelow(scope[first], rest) : undefined
}

/** Names of secrets may have dots in them: what is not there step by step may be there by all of them. */
function valueBelow(top: unknown, steps: readonly string[]): unknown {
  let value = top
  for (const step of steps) value = owns(value, step) ? value[step] : undefined
  const whole = steps.join('.')
  return value === undefined && owns(top, whole) ? top[whole] : value
}

function owns(value: unknown, key: string): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    value === false ||
    value === '' ||
    (Array.isArray(value) && value.length === 0)
  )
}

function lineOf(text: string, at: number): number {
  return text.slice(0, at).split('\n').length
}

function invalid(place: { file: string; text: string; at: number }, what: string, cause?: unknown): LarderError {
  const line = lineOf(place.text, place.at)
  return new LarderError('FLEET_TEMPLATE_INVALID', {
    message: `${place.file}:${line}: ${what}.`,
    hint: 'Names are machine, machines, site, secrets and the variables of the role and the machine; see docs/fleet.md.',
    ...(cause === undefined ? {} : { cause }),
    context: { file: place.file, line },
  })
}
