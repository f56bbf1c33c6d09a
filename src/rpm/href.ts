import { LarderError } from '../core/index.ts'

/** Longer than any that is meant well. */
const maxHrefLength = 4096

/**
 * Why a path that metadata gives cannot be used, or undefined. It is to be a relative path that stays within the
 * repository, however an address or a file system would read it: no scheme, no `/` in front, no `..`, not as `%2e%2e`
 * either, no backslash, no control character.
 */
export function faultOfHref(href: string): string | undefined {
  if (href === '') return 'it is empty'
  if (href.length > maxHrefLength) return `it is longer than ${maxHrefLength} characters`
  if (href.startsWith('/')) return 'it is absolute'
  if (/^[a-z][a-z0-9+.-]*:/i.test(href)) return 'it has a scheme'
  return isPlainPath.test(href) ? undefined : faultOfSegments(href)
}

/** @throws RPM_HREF_REFUSED */
export function checkHref(href: string, label: string): void {
  const fault = faultOfHref(href)
  if (fault === undefined) return
  throw new LarderError('RPM_HREF_REFUSED', {
    message: `${label}: the path ${JSON.stringify(href.slice(0, 300))} cannot be used: ${fault}.`,
    context: { label, href: href.slice(0, 300) },
  })
}

/** Nearly all of them: nothing encoded, and no part that begins with a dot. */
const isPlainPath = /^[A-Za-z0-9_+~^-][\w.+~^-]*(?:\/[A-Za-z0-9_+~^-][\w.+~^-]*)*$/

function faultOfSegments(href: string): string | undefined {
  for (const segment of href.split('/')) {
    const plain = segment.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
    if (plain === '') return 'a part of it is empty'
    if (plain === '.' || plain === '..') return 'it leads out of its folder'
    if (/[/\\]/.test(plain)) return 'it hides a separator'
    if (/[\u0000-\u001f\u007f]|\p{Surrogate}/u.test(plain)) return 'it has a control character'
  }
  return undefined
}
