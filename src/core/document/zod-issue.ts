import { ownValue } from '../own-value.ts'
import type { z } from 'zod'
import { closest } from '../suggest.ts'
import type { Path } from './document.ts'
import { quote } from './json-scanner.ts'
import { knownKeys } from './schema-at.ts'
import { formatWord, limitWord, shown, sizeWord, typeWord, valueAt } from './zod-words.ts'

/** Message of an issue whose schema has none of its own. */
export const unwritten = '\u0000'

export interface WordedIssue {
  path: Path
  part: 'key' | 'value'
  message: string
  expected?: string
  suggestion?: string
}

interface Whole {
  schema: z.core.$ZodType
  value: unknown
}

/** What zod found, in words for people. */
export function issueInPlainWords(issue: z.core.$ZodIssue, whole: Whole): WordedIssue[] {
  const path = issue.path as Path
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, path, whole))
  if (issue.code === 'invalid_union') return union(issue, whole)
  const name = nameOf(path)
  if (issue.message !== unwritten) return [{ path, part: 'value', message: `${name}: ${issue.message}` }]
  switch (issue.code) {
    case 'invalid_type':
      return [wrongType(issue, path, whole)]
    case 'invalid_value':
      return [wrongChoice(issue.values, path, whole)]
    case 'too_small':
    case 'too_big':
      return [{ path, part: 'value', message: `${name} is ${sizeWord(issue)}`, expected: limitWord(issue) }]
    case 'invalid_format':
      return [{ path, part: 'value', message: `${name} is not of the right form`, expected: formatWord(issue) }]
    case 'invalid_key':
      return issue.issues.map((inner) => ({
        path,
        part: 'key',
        message:
          inner.message === unwritten
            ? `the name ${quote(String(path.at(-1)))} is not allowed`
            : `the name ${quote(String(path.at(-1)))}: ${inner.message}`,
      }))
    default:
      return [{ path, part: 'value', message: `${name} is not right` }]
  }
}

/** `"suite" is …`, or for what has no name, the kind of thing that it is. */
function nameOf(path: Path): string {
  const last = path.at(-1)
  if (last === undefined) return 'the file'
  return typeof last === 'string' ? quote(last) : `entry ${last + 1} of ${nameOf(path.slice(0, -1))}`
}

function unknownKey(key: string, path: Path, whole: Whole): WordedIssue {
  const known = knownKeys(whole.schema, path, whole.value)
  const suggestion = closest(key, known)
  return {
    path: [...path, key],
    part: 'key',
    message: `unknown name ${quote(key)}`,
    ...(known.length > 0 ? { expected: known.length === 1 ? known[0] : `one of ${known.join(', ')}` } : {}),
    ...(suggestion === undefined ? {} : { suggestion }),
  }
}

function wrongType(issue: z.core.$ZodIssueInvalidType, path: Path, whole: Whole): WordedIssue {
  const value = valueAt(whole.value, path)
  const expected = typeWord(issue.expected)
  if (value === undefined && path.length > 0) {
    return { path: path.slice(0, -1), part: 'key', message: `${nameOf(path)} is missing`, expected }
  }
  const message = `${nameOf(path)} is ${shown(value)}`
  if (issue.expected === 'string' && (typeof value === 'number' || typeof value === 'boolean')) {
    return { path, part: 'value', message, expected: 'text: put it in quotes' }
  }
  if (issue.expected === 'boolean' && typeof value === 'string') {
    const meant = ownValue(booleanWords, value.toLowerCase())
    if (meant !== undefined) return { path, part: 'value', message, expected, suggestion: meant }
  }
  return { path, part: 'value', message, expected }
}

/** What YAML 1.1 took for true and false. */
const booleanWords = { yes: 'true', on: 'true', y: 'true', no: 'false', off: 'false', n: 'false' }

function wrongChoice(values: readonly unknown[], path: Path, whole: Whole): WordedIssue {
  const value = valueAt(whole.value, path)
  const choices = values.map(String)
  const expected = choices.length === 1 ? (choices[0] ?? '') : `one of ${choices.join(', ')}`
  if (value === undefined && path.length > 0) {
    return { path: path.slice(0, -1), part: 'key', message: `${nameOf(path)} is missing`, expected }
  }
  const suggestion = typeof value === 'string' ? closest(value, choices) : undefined
  const message = `${nameOf(path)} is ${shown(value)}`
  return { path, part: 'value', message, expected, ...(suggestion === undefined ? {} : { suggestion }) }
}

/** The option that comes nearest tells what is wrong; when none is near, what each would have been. */
function union(issue: z.core.$ZodIssueInvalidUnion, whole: Whole): WordedIssue[] {
  const path = issue.path as Path
  if (issue.message !== unwritten) return [{ path, part: 'value', message: `${nameOf(path)}: ${issue.message}` }]
  if (issue.discriminator !== undefined && issue.errors.length === 0) {
    return [wrongChoice('options' in issue ? (issue.options ?? []) : [], path, whole)]
  }
  const near = issue.errors.filter((errors) => !errors.some((error) => error.path.length === 0 && isOtherType(error)))
  const best = near.toSorted((left, right) => left.length - right.length)[0]
  if (best !== undefined) {
    return best.flatMap((inner) => issueInPlainWords({ ...inner, path: [...issue.path, ...inner.path] }, whole))
  }
  const expected = [...new Set(issue.errors.flat().flatMap(choiceWords))].join(' or ')
  const value = valueAt(whole.value, path)
  if (value === undefined && path.length > 0) {
    return [{ path: path.slice(0, -1), part: 'key', message: `${nameOf(path)} is missing`, expected }]
  }
  return [{ path, part: 'value', message: `${nameOf(path)} is ${shown(value)}`, ...(expected ? { expected } : {}) }]
}

function choiceWords(error: z.core.$ZodIssue): string[] {
  if (error.code === 'invalid_type') return [typeWord(error.expected)]
  return error.code === 'invalid_value' ? error.values.map(String) : []
}

function isOtherType(error: z.core.$ZodIssue): boolean {
  return error.code === 'invalid_type' || error.code === 'invalid_value'
}
