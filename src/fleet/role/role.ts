import {
  isLarderError,
  parseSiteFile,
  problemAt,
  subDocument,
  validate,
  type Problem,
  type SiteFiles,
  type SourceDocument,
} from '../../core/index.ts'
import { parseResources, typesNamedBy, type DeclaredResource } from '../resource/parse-resources.ts'
import { builtInRoles } from './built-in-roles.ts'
import { fillVariables } from './fill-variables.ts'
import { roleSchema } from './role-schema.ts'

/** A named set of resources, as it is declared. */
export interface Role {
  readonly name: string
  /** Not of the site. */
  readonly isBuiltIn: boolean
  /** What it says itself of its variables; null: the machine has to say it. */
  readonly defaults: Readonly<Record<string, unknown>>
  /** What templates may name, with the values that hold on this machine. */
  readonly variables: Readonly<Record<string, unknown>>
  readonly resources: readonly DeclaredResource[]
}

export interface ReadRole {
  /** Undefined: there is none, or nothing of it can be read. What is wrong in it is left out. */
  readonly role: Role | undefined
  readonly problems: readonly Problem[]
}

/** Where the site says what a role of its own is. */
function rolePath(name: string): string {
  return `roles/${name}.yaml`
}

/** Names of all roles that a machine of this site may have: those of the site, and what is built in. */
export async function roleNames(files: SiteFiles): Promise<string[]> {
  const own = (await files.list('roles')).flatMap((path) => /^roles\/([^/]+)\.yaml$/.exec(path)?.[1] ?? [])
  return [...new Set([...own, ...Object.keys(builtInRoles)])].sort()
}

/**
 * The site's own role of this name, else the built-in one, with every mistake at its place. `given`: variables of the
 * machine, which take the place of the role's.
 */
export async function readRole(
  files: SiteFiles,
  name: string,
  given: Readonly<Record<string, unknown>> = {},
): Promise<ReadRole> {
  const path = rolePath(name)
  const bytes = await readOrFault(files, path)
  if (bytes !== undefined && !Buffer.isBuffer(bytes)) return { role: undefined, problems: [bytes] }
  const text = bytes ?? builtInText(name)
  if (text === undefined) return { role: undefined, problems: [] }
  const { document, problems } = parseSiteFile(text, bytes === undefined ? `role:${name}.yaml` : path)
  const isBuiltIn = bytes === undefined
  return document === undefined
    ? { role: undefined, problems }
    : parseRole({ name, given, isBuiltIn }, document, problems)
}

function builtInText(name: string): Buffer | undefined {
  const text = Object.hasOwn(builtInRoles, name) ? builtInRoles[name] : undefined
  return text === undefined ? undefined : Buffer.from(text)
}

/** Resources are read one by one, so that a mistake in one hides none in another. */
function parseRole(
  { name, given, isBuiltIn }: { name: string; given: Readonly<Record<string, unknown>>; isBuiltIn: boolean },
  document: SourceDocument,
  problems: readonly Problem[],
): ReadRole {
  const shape = validate(roleSchema, document)
  if (shape.value === undefined) return { role: undefined, problems: [...problems, ...shape.problems] }
  const defaults = shape.value.variables
  const variables = { ...defaults, ...given }
  const filled = fillVariables(subDocument(document, ['resources']), variables)
  const read = parseResources(withoutEmpty(filled.document))
  return {
    role: { name, isBuiltIn, defaults, variables, resources: read.resources },
    problems: [...problems, ...filled.problems, ...read.problems],
  }
}

/** An entry about an empty list, as of a variable, asks for nothing. What stands beside that may be empty. */
function withoutEmpty(list: SourceDocument): SourceDocument {
  const items = (list.value as unknown[]).map((item, index) => ({ item, index }))
  const kept = items.filter(({ item }) => !isAboutNothing(item))
  return {
    file: list.file,
    value: kept.map(({ item }) => item),
    positionOf: ([at, ...path], part) =>
      list.positionOf(typeof at === 'number' ? [kept[at]?.index ?? at, ...path] : [], part),
  }
}

function isAboutNothing(item: unknown): boolean {
  if (typeof item !== 'object' || item === null) return false
  const written = new Map<string, unknown>(Object.entries(item))
  const subjects = typesNamedBy([...written.keys()]).map(({ name }) => written.get(name))
  return subjects.some((subject) => Array.isArray(subject) && subject.length === 0)
}

async function readOrFault(files: SiteFiles, path: string): Promise<Buffer | Problem | undefined> {
  try {
    return await files.read(path)
  } catch (error) {
    if (!isLarderError(error, 'GIT_FILE_REFUSED')) throw error
    const at = { file: path, positionOf: () => ({ line: 1, column: 1 }) }
    return problemAt(at, [], { message: error.message.replace(/\.$/, ''), expected: 'a file with resources' })
  }
}
