import { parseSiteFile, problemAt, subDocument, type Problem, type SourceDocument } from '../core/index.ts'
import type { ListedPackage } from './format.ts'
import { checkRepetitions } from './package-list-repetition.ts'
import { noOptions, readEntry } from './package-list-entry.ts'
import { packageListSchema } from './package-list-schema.ts'

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
  const { document, problems } = parseSiteFile(bytes, file)
  if (document === undefined) return { list: [], problems }
  const read = packagesOf(document)
  return { list: read.list, problems: [...problems, ...read.problems] }
}

/** Reads a package list that is (a part of) a document. */
export function packagesOf(document: SourceDocument): PackageList {
  const root = entriesOf(document)
  if ('problem' in root) return { list: [], problems: [root.problem] }
  const { entries } = root
  const list: ListedPackage[] = []
  const problems: Problem[] = []
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

interface Entries {
  entries: { document: SourceDocument; value: unknown[] }
}

function entriesOf(document: SourceDocument): Entries | { problem: Problem } {
  const { value } = document
  if (Array.isArray(value)) return { entries: { document, value } }
  if (typeof value === 'object' && value !== null && 'packages' in value) {
    const inner = subDocument(document, ['packages'])
    const unknown = Object.keys(value).find((key) => key !== 'packages' && key !== '$schema')
    if (unknown !== undefined) {
      const message = `unknown name ${JSON.stringify(unknown)}`
      return { problem: problemAt(document, [unknown], { part: 'key', message, expected: 'packages' }) }
    }
    if (Array.isArray(inner.value)) return { entries: { document: inner, value: inner.value } }
    return { problem: problemAt(inner, [], { message: '"packages" is not a list', expected }) }
  }
  return { problem: problemAt(document, [], { message: 'a package list is a list', expected }) }
}

const expected = packageListSchema.description ?? 'a list'
