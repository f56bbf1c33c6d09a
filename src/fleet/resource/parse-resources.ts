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
} from '../../core/index.ts'
import type { AnyResourceType, When } from './resource-type.ts'
import { commonKeys, commonSchema, keysOf } from './resource-schema.ts'
import { resourceTypeOf, resourceTypes } from './resource-types.ts'

/** One resource as it is declared: not yet on any machine. */
export interface DeclaredResource {
  readonly type: AnyResourceType
  /** What the schema of its type makes of it. */
  readonly declared: unknown
  /** `file:/etc/motd`, or what `id:` says. */
  readonly id: string
  /** Further names that it is referred to by: `package:curl` of one that is about several packages. */
  readonly aliases: readonly string[]
  readonly after: readonly string[]
  readonly notify: readonly string[]
  readonly when: When | undefined
  /** `roles/web.yaml:12` */
  readonly origin: string
  /** The resource as it is written. */
  readonly document: SourceDocument
}

export interface ParsedResources {
  /** Those that are right, in the order of the list. */
  readonly resources: readonly DeclaredResource[]
  readonly problems: readonly Problem[]
}

/** Reads a list of resources, with every mistake of every one at its place. */
export function parseResources(document: SourceDocument): ParsedResources {
  if (!Array.isArray(document.value)) {
    const message = 'a list of resources is needed'
    return {
      resources: [],
      problems: [problemAt(document, [], { message, expected: 'entries such as "- package: nginx"' })],
    }
  }
  const read = document.value.map((_, index) => parseResource(subDocument(document, [index])))
  return { resources: read.flatMap((one) => one.resources), problems: read.flatMap((one) => one.problems) }
}

function parseResource(document: SourceDocument): ParsedResources {
  const { value } = document
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const expected = 'a map such as "package: nginx"'
    return fault(problemAt(document, [], { message: 'this is no resource', expected }))
  }
  const written = value as Record<string, unknown>
  const found = typeOf(Object.keys(written), document)
  if ('message' in found) return fault(found)
  const common = validate(
    commonSchema,
    without(document, (key) => !commonKeys.includes(key)),
  )
  const subjects = subjectsOf(found, written)
  const read = subjects.map((path) => readOne(found, path, document))
  const problems = [...common.problems, ...distinct(read.flatMap((one) => one.problems))]
  if (common.value === undefined) return { resources: [], problems }
  const { id, after = [], notify = [], when } = common.value
  if (id !== undefined && subjects.length > 1) {
    return fault(
      problemAt(document, ['id'], { message: 'one id for several resources', expected: 'an entry for each' }),
    )
  }
  const origin = `${document.file}:${document.positionOf([], 'value').line}`
  const resources = read.flatMap(({ declared }) => {
    if (declared === undefined) return []
    const names = found.subjectOf(declared).split(found.grouped ? ', ' : '\n')
    const aliases = names.map((name) => `${found.name}:${name}`)
    return [{ type: found, declared, id: id ?? shortId(found, names), aliases, after, notify, when, origin, document }]
  })
  return { resources, problems }
}

/** A group has the name of its first, and says how many there are besides. */
function shortId(type: AnyResourceType, names: readonly string[]): string {
  const [first = ''] = names
  return names.length <= 3 ? `${type.name}:${names.join(', ')}` : `${type.name}:${first} and ${names.length - 1} more`
}

/** Types that these keys name: one, where the entry is right. Names of types are also options of others: a file has a `group`. */
export function typesNamedBy(keys: readonly string[]): AnyResourceType[] {
  const candidates = keys.flatMap((key) => resourceTypeOf(key) ?? [])
  return candidates.filter(
    (type) =>
      !candidates.some(
        (other) => other !== type && keysOf(other).includes(type.name) && !keysOf(type).includes(other.name),
      ),
  )
}

/** The one key that is the name of a type. */
function typeOf(keys: readonly string[], document: SourceDocument): AnyResourceType | Problem {
  const [type, second] = typesNamedBy(keys)
  if (type !== undefined && second === undefined) return type
  if (second !== undefined) {
    const message = `both ${quote(type!.name)} and ${quote(second.name)} in one resource`
    return problemAt(document, [second.name], {
      part: 'key',
      message,
      expected: 'one type: begin another entry with "-"',
    })
  }
  const names = resourceTypes.map(({ name }) => name)
  const unknown = keys.filter((key) => !commonKeys.includes(key))
  for (const key of unknown) {
    const suggestion = closest(key, names)
    if (suggestion === undefined) continue
    return problemAt(document, [key], { part: 'key', message: `unknown type of resource ${quote(key)}`, suggestion })
  }
  const message = unknown[0] === undefined ? 'no type of resource' : `unknown type of resource ${quote(unknown[0])}`
  const path = unknown[0] === undefined ? [] : [unknown[0]]
  return problemAt(document, path, { part: 'key', message, expected: `one of ${names.join(', ')}` })
}

/** Ways to the subjects: several are several resources, unless the type takes them together. */
function subjectsOf(type: AnyResourceType, written: Record<string, unknown>): Path[] {
  const subject = written[type.name]
  if (!Array.isArray(subject) || type.grouped === true) return [[type.name]]
  return subject.length === 0 ? [[type.name]] : subject.map((_, index) => [type.name, index])
}

function readOne(
  type: AnyResourceType,
  subject: Path,
  document: SourceDocument,
): { declared: unknown; problems: readonly Problem[] } {
  const options = without(document, (key) => commonKeys.includes(key))
  const value = { ...(options.value as object), [type.name]: subDocument(document, subject).value }
  const one: SourceDocument = {
    file: document.file,
    value,
    positionOf: (path, part) =>
      document.positionOf(path[0] === type.name ? [...subject, ...path.slice(1)] : path, part),
  }
  const asWritten = validate(type.schema, one)
  if (asWritten.problems.length === 0) return { declared: asWritten.value, problems: [] }
  const meant = respell(type.schema, one)
  return { declared: undefined, problems: [...meant.problems, ...validate(type.schema, meant.document).problems] }
}

function without(document: SourceDocument, isLeftOut: (key: string) => boolean): SourceDocument {
  const kept = Object.entries(document.value as object).filter(([key]) => !isLeftOut(key))
  return { ...document, value: Object.fromEntries(kept), positionOf: (path, part) => document.positionOf(path, part) }
}

/** What is wrong with the options is wrong with each of several subjects, and told once. */
function distinct(problems: readonly Problem[]): Problem[] {
  return [
    ...new Map(problems.map((problem) => [`${problem.line}:${problem.column}:${problem.message}`, problem])).values(),
  ]
}

function fault(problem: Problem): ParsedResources {
  return { resources: [], problems: [problem] }
}
