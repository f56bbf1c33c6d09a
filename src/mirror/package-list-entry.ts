import { z } from 'zod'
import {
  closest,
  problemAt,
  quote,
  respell,
  subDocument,
  validate,
  type Path,
  type Problem,
  type SourceDocument,
} from '../core/index.ts'
import type { ListedPackage } from './format.ts'
import { stripCommand } from './package-list-command.ts'
import { listedCommandSchema, listedObjectSchema } from './package-list-schema.ts'
import {
  architecturePattern,
  parseConstraint,
  parseNames,
  type Mistake,
  type NamedPackage,
} from './package-list-text.ts'

/** What reading fills. */
export interface Reading {
  list: ListedPackage[]
  problems: Problem[]
}

/** Where an entry is, and what its names share. */
interface Place {
  document: SourceDocument
  path: Path
  options: EntryOptions
}

type EntryOptions = Pick<ListedPackage, 'recommends' | 'exclude'>

export const noOptions: EntryOptions = { exclude: [] }

/** Reads one entry of a package list, whatever its shape. */
export function readEntry(value: unknown, place: Place, reading: Reading): void {
  if (typeof value === 'string') readNames(value, place, reading)
  else if (typeof value === 'object' && value !== null && !Array.isArray(value)) readObject(value, place, reading)
  else {
    const what = Array.isArray(value) ? 'a list' : value === null ? 'empty' : JSON.stringify(value)
    const expected = typeof value === 'number' ? 'a name: put it in quotes' : 'the name of a package, or a map'
    reading.problems.push(problemAt(place.document, place.path, { message: `an entry that is ${what}`, expected }))
  }
}

function readObject(value: object, place: Place, reading: Reading): void {
  // The shape that most lists have: 60,000 of these are not worth a schema each.
  if ('package_command' in value && typeof value.package_command === 'string' && Object.keys(value).length === 1) {
    readNames(value.package_command, { ...place, path: [...place.path, 'package_command'] }, reading, true)
    return
  }
  const keys = Object.keys(value)
  const document = subDocument(place.document, place.path)
  if (keys.includes('name') && keys.includes('package_command')) {
    const message = 'an entry with both "name" and "package_command"'
    reading.problems.push(problemAt(document, [], { message, expected: 'one of the two' }))
  } else if (looksLikeCommand(keys)) readCommand(document, reading)
  else readListed(document, reading)
}

function looksLikeCommand(keys: readonly string[]): boolean {
  if (keys.includes('package_command')) return true
  return !keys.includes('name') && keys.some((key) => closest(key, ['package_command']) !== undefined)
}

function readCommand(document: SourceDocument, whole: Reading): void {
  const { entry, reading } = readBy(listedCommandSchema, document, whole)
  const options = optionsOf(entry, document, reading)
  if (entry.package_command === undefined) return
  readNames(entry.package_command, { document, path: ['package_command'], options }, reading, true)
}

/** `reading`: to be filled with what the entry says; what is wrong in itself is told, and the rest is not taken then. */
function readBy<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  document: SourceDocument,
  reading: Reading,
): { entry: Partial<z.infer<z.ZodObject<Shape>>>; reading: Reading } {
  const asWritten = validate(schema, document)
  if (asWritten.value !== undefined) return { entry: asWritten.value, reading }
  const meant = respell(schema, document)
  const { value, problems } = validate(schema, meant.document)
  // Misspelt names are told, and nothing that follows from them.
  reading.problems.push(...meant.problems, ...problems)
  if (value !== undefined) return { entry: value, reading }
  const sound = soundParts(schema, meant.document.value as Record<string, unknown>)
  return { entry: sound, reading: { list: [], problems: reading.problems } }
}

function soundParts<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  value: Record<string, unknown>,
): Partial<z.infer<z.ZodObject<Shape>>> {
  const parts = Object.entries(schema.shape).filter(([key]) => value[key] !== undefined)
  const sound = parts.filter(([key, part]) => z.safeParse(part, value[key]).success)
  return Object.fromEntries(sound.map(([key]) => [key, value[key]])) as Partial<z.infer<z.ZodObject<Shape>>>
}

function readListed(document: SourceDocument, whole: Reading): void {
  const { entry, reading } = readBy(listedObjectSchema, document, whole)
  const { mistakes, names } = entry.name === undefined ? { mistakes: [], names: [] } : parseNames(entry.name)
  report(mistakes, { document, path: ['name'] }, reading)
  const [named, second] = names
  if (second !== undefined) {
    const expected = 'one name; several names go into "package_command", or into entries of their own'
    reading.problems.push(problemAt(document, ['name'], { message: 'more than one name', expected }))
  }
  const constraint = readVersion(entry.version, document, reading)
  const options = optionsOf(entry, document, reading)
  checkObject(entry, second === undefined ? named : undefined, document, reading)
  if (named === undefined || second !== undefined) return
  const { architecture = named.architecture } = entry
  const listed = { name: named.name, constraint: constraint ?? named.constraint, architecture }
  add(listed, { document, path: ['name'], options }, reading)
}

function readVersion(
  text: string | undefined,
  document: SourceDocument,
  reading: Reading,
): ListedPackage['constraint'] | undefined {
  if (text === undefined) return undefined
  const { constraint, mistakes } = parseConstraint(text)
  report(mistakes, { document, path: ['version'] }, reading)
  return constraint
}

/** What is no architecture; and what is said twice, with the name and beside it, and not the same. */
function checkObject(
  { version, architecture }: { version?: string | undefined; architecture?: string | undefined },
  named: NamedPackage | undefined,
  document: SourceDocument,
  reading: Reading,
): void {
  const expected = 'one of them'
  if (version !== undefined && named?.constraint !== undefined) {
    const message = 'a version here, and one with the name'
    reading.problems.push(problemAt(document, ['version'], { message, expected }))
  }
  if (architecture === undefined) return
  if (!architecturePattern.test(architecture)) {
    const message = `${quote(architecture)} is not an architecture`
    reading.problems.push(problemAt(document, ['architecture'], { message, expected: 'one such as amd64' }))
  } else if (named?.architecture !== undefined && named.architecture !== architecture) {
    const message = `architecture ${architecture}, but the name says ${named.architecture}`
    reading.problems.push(problemAt(document, ['architecture'], { message, expected }))
  }
}

function readNames(text: string, place: Place, reading: Reading, isCommand = false): void {
  const command = stripCommand(text, isCommand)
  report(command.mistakes, place, reading)
  const { mistakes, names } = parseNames(command.text)
  report(mistakes, place, reading)
  if (names.length === 0 && mistakes.length === 0 && command.mistakes.every(({ severity }) => severity === 'warning')) {
    reading.problems.push(
      problemAt(place.document, place.path, { message: 'no name', expected: 'the name of a package' }),
    )
  }
  for (const name of names) add(name, place, reading)
}

function add(named: NamedPackage, place: Place, reading: Reading): void {
  const { document, path, options } = place
  const { line, column } = document.positionOf(path)
  // Without spreading: this is done for each of 60,000 names.
  const listed: ListedPackage = {
    name: named.name,
    exclude: options.exclude,
    position: { file: document.file, line, column },
  }
  if (named.constraint !== undefined) listed.constraint = named.constraint
  if (named.architecture !== undefined) listed.architecture = named.architecture
  if (options.recommends !== undefined) listed.recommends = options.recommends
  reading.list.push(listed)
}

function optionsOf(
  entry: { recommends?: boolean | undefined; exclude?: string[] | undefined },
  document: SourceDocument,
  reading: Reading,
): EntryOptions {
  const exclude: string[] = []
  for (const [index, text] of (entry.exclude ?? []).entries()) {
    const { mistakes, names } = parseNames(text)
    report(mistakes, { document, path: ['exclude', index] }, reading)
    exclude.push(...names.map(({ name }) => name))
  }
  return { ...(entry.recommends === undefined ? {} : { recommends: entry.recommends }), exclude }
}

function report(
  mistakes: readonly Mistake[],
  { document, path }: { document: SourceDocument; path: Path },
  reading: Reading,
): void {
  for (const mistake of mistakes) reading.problems.push(problemAt(document, path, mistake))
}
