import type { Problem } from '../problem.ts'
import type { Position, Source } from './source.ts'

/** Way from the root of a document to a value in it: `['mirrors', 'base', 'upstreams', 0]`. */
export type Path = readonly (string | number)[]

/** A parsed YAML or JSON file. Values are what JSON can hold. */
export interface SourceDocument {
  readonly file: string
  readonly value: unknown
  /**
   * Where the value at a path is written, or its key. Default: the value. A path that leads nowhere is answered
   * with the place of the last thing on the way that is there.
   */
  positionOf(path: Path, part?: 'key' | 'value'): Position
}

/**
 * `document` is there when the whole text could be understood, even though something was wrong with it (a comma
 * too many): so that the rest can be checked in the same go. With an error among the problems it is not to be used
 * for more than that.
 */
export interface Parsed {
  document: SourceDocument | undefined
  problems: Problem[]
}

/** Offsets of a value and of all within it. A scalar is its offset alone: long lists are mostly scalars. */
export type Place = number | ArrayPlace | ObjectPlace
export interface ArrayPlace {
  start: number
  items: Place[]
}
export interface ObjectPlace {
  start: number
  /** A list, since most objects are small, and there may be 60,000 of them. */
  members: { key: string; keyStart: number; place: Place }[]
}

export function createDocument(source: Source, value: unknown, root: Place): SourceDocument {
  return {
    file: source.file,
    value,
    positionOf: (path, part = 'value') => source.positionAt(offsetOf(root, path, part)),
  }
}

/** The document that a part of another one is. */
export function subDocument(document: SourceDocument, path: Path): SourceDocument {
  let value = document.value
  for (const step of path) value = isContainer(value) ? (value as Record<string | number, unknown>)[step] : undefined
  return { file: document.file, value, positionOf: (below, part) => document.positionOf([...path, ...below], part) }
}

/** A problem at a path of a document. */
export function problemAt(
  document: Pick<SourceDocument, 'file' | 'positionOf'>,
  path: Path,
  problem: Omit<Problem, 'file' | 'line' | 'column' | 'severity'> & { part?: 'key' | 'value'; severity?: 'warning' },
): Problem {
  const { part = 'value', severity = 'error', ...rest } = problem
  return { severity, file: document.file, ...document.positionOf(path, part), ...rest }
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function offsetOf(root: Place, path: Path, part: 'key' | 'value'): number {
  let place = root
  let offset = startOf(root)
  for (const step of path) {
    if (typeof place === 'number') return offset
    if ('items' in place) {
      const item: Place | undefined = place.items[Number(step)]
      if (item === undefined) return offset
      place = item
      offset = startOf(item)
    } else {
      const member = place.members.find(({ key }) => key === String(step))
      if (member === undefined) return offset
      place = member.place
      offset = part === 'key' ? member.keyStart : startOf(member.place)
    }
  }
  return offset
}

function startOf(place: Place): number {
  return typeof place === 'number' ? place : place.start
}
