import { parseSiteFile, problemAt, subDocument, type Problem, type SourceDocument } from '../core/index.ts'
import type { ListedPackage } from './format.ts'
import { checkRepetitions } from './package-list-repetition.ts'
import { noOptions, readEntry } from './package-list-entry.ts'
import { packageListSchema } from './package-list-schema.ts'
import { parsePlainList } from './plain-list.ts'

export interface PackageList {
  /** In the order of the file; what is wrong is left out. */
  list: readonly ListedPackage[]
  problems: readonly Problem[]
}

/**
 * Reads a package list, JSON or YAML by the name of the file, in any of the shapes that `packageListSchema` describes.
 * Every mistake is reported at its place, several of one file at once. What names and versions look like is checked
 * here only as far as all formats agree; a format's `checkListed` is strict. Never throws.
 *
 * The same buffer, whose bytes nobody changes, is read once: a push is looked at three times, and 60,000 names take as
 * long as their closure.
 */
export function parsePackageList(bytes: Uint8Array, file: string): PackageList {
  const known = lists.get(bytes)
  if (known?.file === file) return known.list
  const list = parse(bytes, file)
  lists.set(bytes, { file, list })
  return list
}

const lists = new WeakMap<Uint8Array, { file: string; list: PackageList }>()

function parse(bytes: Uint8Array, file: string): PackageList {
  const plain = parsePlainList(bytes, file)
  if (plain !== undefined) return { list: plain, problems: checkRepetitions(plain) }
  const { document, problems } = parseSiteFile(bytes, file)
  if (document === undefined) return { list: [], problems }
  const read = packagesOf(document)
  return { list: read.list, problems: [...problems, ...read.problems] }
}

/** Reads a package list that is (a part of) a document. */
export function packagesOf(document: SourceDocument): PackageList {
  const { entries, problems } = entriesOf(document)
  if (entries === undefined) return { list: [], problems }
  const list: ListedPackage[] = []
  const { value } = entries
  if (value.length === 0) {
    problems.push(problemAt(entries.document, [], { severity: 'warning', message: 'the list names no package' }))
  }
  for (let index = 0; index < value.length && problems.length < mostProblems; index++) {
    readEntry(value[index], { document: entries.document, path: [index], options: noOptions }, { list, problems })
  }
  problems.push(...checkRepetitions(list))
  return { list, problems }
}

const mostProblems = 200

/** The entries of a list, or of what a map calls `packages`. */
interface Entries {
  entries: { document: SourceDocument; value: unknown[] } | undefined
  problems: Problem[]
}

function entriesOf(document: SourceDocument): Entries {
  const { value } = document
  if (Array.isArray(value)) return { entries: { document, value }, problems: [] }
  if (typeof value !== 'object' || value === null || !('packages' in value))
    return {
      entries: undefined,
      problems: [problemAt(document, [], { message: 'a package list is a list', expected })],
    }
  const unknown = Object.keys(value).filter((key) => key !== 'packages' && key !== '$schema')
  const problems = unknown.map((key) =>
    problemAt(document, [key], { part: 'key', message: `unknown name ${JSON.stringify(key)}`, expected: 'packages' }),
  )
  const inner = subDocument(document, ['packages'])
  if (Array.isArray(inner.value)) return { entries: { document: inner, value: inner.value }, problems }
  problems.push(problemAt(inner, [], { message: '"packages" is not a list', expected }))
  return { entries: undefined, problems }
}

const expected = packageListSchema.description ?? 'a list'
