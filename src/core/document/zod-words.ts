import type { z } from 'zod'
import type { Path } from './document.ts'
import { quote } from './json-scanner.ts'

/** A type as people call it: `a list` for an array. */
export function typeWord(type: string): string {
  return typeWords[type] ?? type
}

const typeWords: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'a map (name: value)',
  record: 'a map (name: value)',
  null: 'nothing',
  undefined: 'nothing',
  never: 'nothing here',
}

/** A value as a problem shows it. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return 'empty'
  if (typeof value === 'string') return quote(value)
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'a map' : JSON.stringify(value)
}

export function valueAt(value: unknown, path: Path): unknown {
  let at = value
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined
    at = (at as Record<string | number, unknown>)[step]
  }
  return at
}

export function sizeWord(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const tooSmall = issue.code === 'too_small'
  if (issue.origin === 'string') return tooSmall ? 'too short' : 'too long'
  if (issue.origin === 'array' || issue.origin === 'set') return tooSmall ? 'too short a list' : 'too long a list'
  return tooSmall ? 'too small' : 'too large'
}

/** `at least 1 entry` */
export function limitWord(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const limit = issue.code === 'too_small' ? issue.minimum : issue.maximum
  const most = issue.code === 'too_small' ? 'at least' : 'at most'
  const bound = issue.inclusive === false ? (issue.code === 'too_small' ? 'more than' : 'less than') : most
  return `${bound} ${limit}${unit(issue.origin, Number(limit))}`
}

function unit(origin: string, count: number): string {
  if (origin === 'string') return count === 1 ? ' character' : ' characters'
  if (origin === 'array' || origin === 'set') return count === 1 ? ' entry' : ' entries'
  return ''
}

export function formatWord(issue: z.core.$ZodIssueInvalidStringFormat): string {
  if (issue.format === 'url') return 'an address such as https://host.example.org/path/'
  return issue.pattern === undefined ? issue.format : `text that matches ${issue.pattern}`
}
