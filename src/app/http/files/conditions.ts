import type { IncomingHttpHeaders } from 'node:http'

/** What a conditional request is compared with. */
export interface Validators {
  /** Strong, with its quotes. */
  etag: string
  /** To the second. */
  modifiedAt: Date
  /** The path never comes to mean other bytes. */
  stable: boolean
}

/**
 * Whether a GET or HEAD is answered in full, by 304, or by 412, in the order of RFC 9110 §13.2.2.
 * A date is compared for equality where content may go back (a rollback): earlier is no sign of being unchanged.
 */
export function judgeConditions(headers: IncomingHttpHeaders, validators: Validators): 200 | 304 | 412 {
  const { etag, modifiedAt, stable } = validators
  const ifMatch = headers['if-match']
  const unmodifiedSince = parseDate(headers['if-unmodified-since'])
  if (ifMatch !== undefined) {
    if (!listsTag(ifMatch, etag, 'strong')) return 412
  } else if (unmodifiedSince !== undefined && modifiedAt.getTime() > unmodifiedSince) {
    return 412
  }
  const ifNoneMatch = headers['if-none-match']
  if (ifNoneMatch !== undefined) return listsTag(ifNoneMatch, etag, 'weak') ? 304 : 200
  const modifiedSince = parseDate(headers['if-modified-since'])
  if (modifiedSince === undefined) return 200
  const unchanged = stable ? modifiedAt.getTime() <= modifiedSince : modifiedAt.getTime() === modifiedSince
  return unchanged ? 304 : 200
}

/** Whether the Range of this request counts: no If-Range, or one that names exactly what is here. RFC 9110 §13.1.5. */
export function rangeCounts(headers: IncomingHttpHeaders, validators: Validators): boolean {
  const condition = headers['if-range']
  if (typeof condition !== 'string') return true
  if (condition.startsWith('"') || condition.startsWith('W/')) return condition === validators.etag
  return parseDate(condition) === validators.modifiedAt.getTime()
}

function listsTag(header: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (header.trim() === '*') return true
  const tags: readonly string[] = header.match(/(?:W\/)?"[^"]*"/g) ?? []
  return tags.includes(etag) || (comparison === 'weak' && tags.includes(`W/${etag}`))
}

function parseDate(header: string | undefined): number | undefined {
  const parsed = header === undefined ? Number.NaN : Date.parse(header)
  return Number.isNaN(parsed) ? undefined : parsed
}
