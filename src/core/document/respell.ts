import type { z } from 'zod'
import type { Problem } from '../problem.ts'
import { closest } from '../suggest.ts'
import { problemAt, subDocument, type Path, type SourceDocument } from './document.ts'
import { issueInPlainWords, unwritten } from './zod-issue.ts'

export interface Respelt {
  /** As its author meant it: misspelt names under the names that were meant, unknown ones left out. */
  document: SourceDocument
  /** Every name that is not known, at its place. */
  problems: Problem[]
}

/**
 * Tells of every name that the schema does not know, and answers the document as it would be without them: what
 * stands under a misspelt name is then checked in the same go, and nobody is told that what they misspelt is missing.
 */
export function respell(schema: z.ZodType, document: SourceDocument): Respelt {
  let respelt = document
  const problems: Problem[] = []
  for (let round = 0; round < mostRounds; round++) {
    const unknown = unknownNames(schema, respelt)
    if (unknown.length === 0) break
    problems.push(...unknown.map(({ problem }) => problem))
    respelt = withNames(respelt, unknown)
  }
  return { document: respelt, problems }
}

/** Names below a name that was misspelt come to light one round later. */
const mostRounds = 4

/** A document in which names of a map are others; `to` undefined: it is not there. Positions stay those of the text. */
export function withNames(document: SourceDocument, changes: readonly NameChange[]): SourceDocument {
  const value = changed(document.value, [], changes)
  const originals = new Map(changes.map(({ path, to }) => [keyOf([...path.slice(0, -1), to ?? null]), path.at(-1)!]))
  const translate = (path: Path): Path =>
    path.map((step, at) => originals.get(keyOf([...path.slice(0, at), step])) ?? step)
  return {
    file: document.file,
    value,
    positionOf: (path, part) => document.positionOf(translate(path), part),
  }
}

export interface NameChange {
  path: Path
  to: string | undefined
}

type UnknownName = NameChange & { problem: Problem }

function unknownNames(schema: z.ZodType, document: SourceDocument): UnknownName[] {
  const result = schema.safeParse(document.value, { error: () => unwritten, reportInput: true })
  if (result.success) return []
  const whole = { schema, value: document.value }
  const taken = new Set<string>()
  return result.error.issues.flatMap((issue) => {
    if (isUnknownNames(issue)) {
      return issueInPlainWords(issue, whole).map(({ path, ...words }) => {
        const to = free(document, path, words.suggestion, taken)
        return { path, to, problem: problemAt(document, path, words) }
      })
    }
    return misspeltDiscriminator(issue, document)
  })
}

/** A map is told apart by a name in it: misspelt, nothing else of the map would be looked at. */
function misspeltDiscriminator(issue: z.core.$ZodIssue, document: SourceDocument): UnknownName[] {
  if (issue.code !== 'invalid_union' || issue.discriminator === undefined) return []
  const name = issue.discriminator
  const path = (issue.path.at(-1) === name ? issue.path.slice(0, -1) : issue.path) as Path
  const { value } = subDocument(document, path)
  if (typeof value !== 'object' || value === null || name in value) return []
  const found = Object.keys(value).filter((key) => closest(key, [name]) !== undefined)
  if (found.length !== 1) return []
  const at = [...path, found[0]!]
  const message = `unknown name ${JSON.stringify(found[0])}`
  return [{ path: at, to: name, problem: problemAt(document, at, { part: 'key', message, suggestion: name }) }]
}

function isUnknownNames(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'unrecognized_keys'
}

/** The name that was meant, unless it is there as well, or two are taken for it. */
function free(
  document: SourceDocument,
  path: Path,
  suggestion: string | undefined,
  taken: Set<string>,
): string | undefined {
  if (suggestion === undefined) return undefined
  const parent = subDocument(document, path.slice(0, -1)).value
  const key = keyOf([...path.slice(0, -1), suggestion])
  if ((typeof parent === 'object' && parent !== null && suggestion in parent) || taken.has(key)) return undefined
  taken.add(key)
  return suggestion
}

function changed(value: unknown, path: Path, changes: readonly NameChange[]): unknown {
  if (typeof value !== 'object' || value === null) return value
  const inside = changes.filter((change) => path.every((step, at) => change.path[at] === step))
  if (inside.length === 0) return value
  if (Array.isArray(value)) return value.map((item, at) => changed(item, [...path, at], inside))
  const entries = Object.entries(value).flatMap(([key, item]): [string, unknown][] => {
    const own = inside.find((change) => change.path.length === path.length + 1 && change.path.at(-1) === key)
    const below = changed(item, [...path, key], inside)
    if (own === undefined) return [[key, below]]
    return own.to === undefined ? [] : [[own.to, below]]
  })
  return Object.fromEntries(entries)
}

function keyOf(path: readonly (string | number | null)[]): string {
  return JSON.stringify(path)
}
