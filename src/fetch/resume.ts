import type { Upload } from '../store/index.ts'
import type { FetchRequest, Validators } from './fetcher.ts'
import type { Answer } from './transport.ts'

/** Bytes of this upload came from here, and were then known by these validators. */
interface Tag extends Validators {
  url: string
}

/**
 * Headers that ask for what is still missing. What is held and can be taken up by neither a promised hash nor
 * a validator of the same address is thrown away (RFC 9110 §13.1.5, §14.2).
 */
export async function rangeHeaders(
  upload: Upload,
  request: FetchRequest,
  url: URL,
  held: { bytes: number },
): Promise<Record<string, string>> {
  if (held.bytes > 0) {
    const tag = parseTag(upload.tag)
    const validator = tag?.url === url.href ? (strong(tag.etag) ?? tag.lastModified) : undefined
    const fits = held.bytes < (request.expected?.sizeBytes ?? Infinity)
    if (fits && (validator !== undefined || hasHash(request))) {
      return { range: `bytes=${held.bytes}-`, ...(validator === undefined ? {} : { 'if-range': validator }) }
    }
    await upload.restart('')
    held.bytes = 0
  }
  const { etag, lastModified } = request.validators ?? {}
  return {
    // A cache on the way may hold old metadata; what a hash promises cannot be old.
    ...(hasHash(request) ? {} : { 'cache-control': 'max-age=0' }),
    ...(etag === undefined ? {} : { 'if-none-match': etag }),
    ...(lastModified === undefined ? {} : { 'if-modified-since': lastModified }),
  }
}

/** The hash judges at the end, so bytes of any address may be joined. */
export function hasHash(request: FetchRequest): boolean {
  return request.expected?.sha256 !== undefined || request.expected?.sha512 !== undefined
}

export function formatTag(url: URL, answer: Answer): string {
  return JSON.stringify({ url: url.href, ...validatorsOf(answer) } satisfies Tag)
}

export function validatorsOf(answer: Answer): Validators {
  const etag = answer.header('etag')
  const lastModified = answer.header('last-modified')
  return { ...(etag === undefined ? {} : { etag }), ...(lastModified === undefined ? {} : { lastModified }) }
}

function strong(etag: string | undefined): string | undefined {
  return etag?.startsWith('"') === true ? etag : undefined
}

function parseTag(text: string): Tag | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    return JSON.parse(text) as Tag
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
