import type { Alias, Node } from 'yaml'
import type * as Yaml from 'yaml'
import { lazyPackage } from '../lazy-package.ts'
import type { Problem } from '../problem.ts'
import { createDocument, type Parsed, type Place } from './document.ts'
import { quote } from './json-scanner.ts'
import { createSource, type Source } from './source.ts'
import { yamlProblems } from './yaml-problem.ts'

/**
 * Reads one YAML 1.2 document (core schema) with the place of every value, and reports what is wrong with it.
 * A name given twice, merge keys, tags, `__proto__`, nesting deeper than 64, aliases that stand for more than 10,000
 * values, and a second document are mistakes. Never throws.
 */
export function parseYaml(text: string | Source, file: string): Parsed {
  const source = typeof text === 'string' ? createSource(text, file) : text
  const unreadable = quadratic(source) ?? deepBracket(source)
  if (unreadable !== undefined) return { document: undefined, problems: [unreadable] }
  const parsed = yaml().parseDocument(source.text, {
    prettyErrors: false,
    // Compared here instead: the library takes a time that grows with the square of the number of keys.
    uniqueKeys: false,
    stringKeys: true,
    resolveKnownTags: false,
    logLevel: 'error',
    version: '1.2',
  })
  const problems = yamlProblems(source, [...parsed.errors, ...parsed.warnings])
  if (problems.length > 0) return { document: undefined, problems }
  const reader = new YamlReader(source)
  const { value, place } = reader.read(parsed.contents, 0)
  return { document: reader.lossy ? undefined : createDocument(source, value, place), problems: reader.problems }
}

const yaml = lazyPackage((require) => require('yaml') as typeof Yaml)

const deepest = 64
const mostAliased = 10_000
const mostProblems = 100

class YamlReader {
  readonly problems: Problem[] = []
  lossy = false
  private readonly source: Source
  private readonly anchors = new Map<string, Node>()
  private readonly openAnchors = new Set<string>()
  private aliasDepth = 0
  private aliasedCount = 0
  private depth = 0

  constructor(source: Source) {
    this.source = source
  }

  /** `near`: where a value that is not written at all would be. */
  read(node: unknown, near: number): { value: unknown; place: Place } {
    const { isAlias, isMap, isScalar, isSeq } = yaml()
    if (isAlias(node)) return this.readAlias(node)
    const start = rangeStart(node) ?? near
    if (this.aliasDepth > 0 && ++this.aliasedCount > mostAliased) return this.refuse(start, tooMuchAliased)
    if (!isMap(node) && !isSeq(node)) {
      if (isScalar(node) && node.anchor !== undefined) this.anchors.set(node.anchor, node)
      return { value: isScalar(node) ? this.scalar(node.value, start) : null, place: start }
    }
    if (this.depth >= deepest) return this.refuse(start, `nested more deeply than ${deepest}`)
    const { anchor } = node
    if (anchor !== undefined) {
      this.anchors.set(anchor, node)
      this.openAnchors.add(anchor)
    }
    this.depth++
    const result = isMap(node) ? this.readMap(node, start) : this.readSequence(node, start)
    this.depth--
    if (anchor !== undefined) this.openAnchors.delete(anchor)
    return result
  }

  private readMap(node: { items: unknown[] }, start: number): { value: unknown; place: Place } {
    const value: Record<string, unknown> = {}
    const place: Extract<Place, { members: unknown }> = { start, members: [] }
    const { isScalar } = yaml()
    for (const pair of node.items as { key: unknown; value: unknown }[]) {
      const keyStart = rangeStart(pair.key) ?? start
      const key = isScalar(pair.key) ? String(pair.key.value) : ''
      const read = this.read(pair.value, keyStart)
      if (!this.isFresh(key, keyStart, { value, members: place.members })) continue
      value[key] = read.value
      place.members.push({ key, keyStart, place: read.place })
    }
    return { value, place }
  }

  private readSequence(node: { items: unknown[] }, start: number): { value: unknown; place: Place } {
    const value: unknown[] = []
    const items: Place[] = []
    for (const item of node.items) {
      const read = this.read(item, start)
      value.push(read.value)
      items.push(read.place)
    }
    return { value, place: { start, items } }
  }

  private isFresh(
    key: string,
    keyStart: number,
    earlier: { value: object; members: readonly { key: string; keyStart: number }[] },
  ): boolean {
    if (key === '__proto__') this.refuse(keyStart, 'the name "__proto__" is not allowed')
    else if (key === '<<') this.refuse(keyStart, 'merge keys (<<) are not supported')
    else if (Object.hasOwn(earlier.value, key)) {
      const first = earlier.members.find((member) => member.key === key)?.keyStart ?? keyStart
      const { line } = this.source.positionAt(first)
      this.report(keyStart, `${quote(key)} is given twice, first in line ${line}`, 'each name once')
    } else return true
    return false
  }

  /** Numbers that JSON cannot hold. */
  private scalar(value: unknown, start: number): unknown {
    if (typeof value === 'number' && !Number.isFinite(value)) return this.refuse(start, 'not a finite number').value
    return value
  }

  private readAlias(alias: Alias): { value: unknown; place: Place } {
    const start = rangeStart(alias) ?? 0
    const target = this.anchors.get(alias.source)
    if (target === undefined) return this.refuse(start, `the alias *${alias.source} has no anchor before it`)
    if (this.openAnchors.has(alias.source)) return this.refuse(start, `the alias *${alias.source} is within itself`)
    if (this.aliasedCount > mostAliased) return this.refuse(start, tooMuchAliased)
    this.aliasDepth++
    const result = this.read(target, start)
    this.aliasDepth--
    return result
  }

  private refuse(offset: number, message: string): { value: undefined; place: Place } {
    this.lossy = true
    this.report(offset, message)
    return { value: undefined, place: offset }
  }

  private report(offset: number, message: string, expected?: string): void {
    if (this.problems.length >= mostProblems) return
    // One bomb is one problem, however often it goes off.
    if (message === tooMuchAliased && this.problems.some((problem) => problem.message === message)) return
    const problem: Problem = { severity: 'error', file: this.source.file, ...this.source.positionAt(offset), message }
    this.problems.push(expected === undefined ? problem : { ...problem, expected })
  }
}

const tooMuchAliased = `aliases that stand for more than ${mostAliased} values`

function rangeStart(node: unknown): number | undefined {
  return (node as { range?: [number, number, number] | null } | null | undefined)?.range?.[0]
}

/**
 * What nobody writes, and what takes the library a time that grows with the square of how often it is there: lone
 * carriage returns and directives.
 */
function quadratic(source: Source): Problem | undefined {
  const offset = source.text.search(/\r(?!\n)|^%/m)
  if (offset === -1) return undefined
  const wording =
    source.text.charAt(offset) === '%'
      ? { message: 'a directive (%)', expected: 'quotes around a value that begins with %' }
      : { message: 'a carriage return (U+000D) that ends no line', expected: 'lines that end with U+000A' }
  return { severity: 'error', file: source.file, ...source.positionAt(offset), ...wording }
}

/** Brackets in brackets cost the library a stack frame each: looked for before it is asked. */
function deepBracket(source: Source): Problem | undefined {
  let depth = 0
  for (const { 0: bracket, index } of source.text.matchAll(/[[\]{}]|^[^\S\n]*#.*$/gm)) {
    if (bracket === '[' || bracket === '{') depth++
    else if (bracket === ']' || bracket === '}') depth = Math.max(0, depth - 1)
    if (depth > 4 * deepest) {
      const position = source.positionAt(index)
      return { severity: 'error', file: source.file, ...position, message: `nested more deeply than ${deepest}` }
    }
  }
  return undefined
}
