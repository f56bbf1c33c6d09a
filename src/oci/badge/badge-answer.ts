import { createHash } from 'node:crypto'
import { badgeOf, badgeTextOf, shieldsEndpointOf, type BadgeState } from './badge.ts'

export interface BadgeRequest {
  state: BadgeState
  format: 'svg' | 'json'
  /** Default `build`. */
  label?: string | undefined
  /** The header If-None-Match, as it came. */
  ifNoneMatch?: string | undefined
}

export interface BadgeAnswer {
  status: 200 | 304
  headers: Record<string, string>
  /** Empty for 304. */
  body: string
}

/**
 * What `/badge/<image>.svg` and `.json` answer, whoever serves them. Proxies of forges keep images for long unless they
 * are told to ask again: `no-cache` and an ETag make that cost a 304. Source: RFC 9110, section 13.1.2; RFC 9111, 5.2.2.4.
 */
export function badgeAnswer({ state, format, label, ifNoneMatch }: BadgeRequest): BadgeAnswer {
  const text = badgeTextOf(state, label)
  const body = format === 'svg' ? badgeOf(text) : `${JSON.stringify(shieldsEndpointOf(text))}\n`
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
  const caching = {
    etag,
    'cache-control': 'no-cache, max-age=0, must-revalidate',
    // Pages of other sites show it, and shields reads it.
    'access-control-allow-origin': '*',
    'cross-origin-resource-policy': 'cross-origin',
  }
  if (matches(ifNoneMatch, etag)) return { status: 304, headers: caching, body: '' }
  const svg = {
    'content-type': 'image/svg+xml; charset=utf-8',
    // Opened by itself it is a document of this origin; it needs nothing but its own styles.
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
  }
  const json = { 'content-type': 'application/json; charset=utf-8' }
  const common = { ...caching, 'x-content-type-options': 'nosniff' }
  return { status: 200, headers: { ...common, ...(format === 'svg' ? svg : json) }, body }
}

function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some((one) => ['*', etag, `W/${etag}`].includes(one.trim()))
}
