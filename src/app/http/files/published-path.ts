export interface PublishedPath {
  /** Number of the run whose preview is asked for. Undefined: what is published. */
  preview: number | undefined
  format: 'apt' | 'rpm'
  /** '' for the list of mirrors. */
  mirror: string
  /** Inside the mirror, without a slash at either end. */
  path: string
  /** It ended with a slash. */
  folder: boolean
}

/**
 * `/apt/base/pool/main/n/nmap_7.93_amd64.deb?x`, or `/preview/17/apt/base/…`, in its parts; `undefined` for what is no address of a published
 * file: other rooms, bad escapes, empty and `..` parts, escaped slashes and control characters. A plain `.` part means
 * nothing: APT sends it for a suite that is written `./`.
 */
export function parsePublishedPath(url: string): PublishedPath | undefined {
  const [, run, format, rest = ''] =
    /^(?:\/preview\/([1-9][0-9]{0,8}))?\/(apt|rpm)(?:\/([^?#]*))?(?:[?#]|$)/.exec(url) ?? []
  if (format !== 'apt' && format !== 'rpm') return undefined
  const folder = rest === '' || rest.endsWith('/')
  const trimmed = rest.endsWith('/') ? rest.slice(0, -1) : rest
  const parts =
    rest === ''
      ? []
      : trimmed
          .split('/')
          .filter((part) => part !== '.')
          .map(decodePart)
  if (!parts.every((part) => part !== undefined)) return undefined
  const [mirror = '', ...path] = parts
  const preview = run === undefined ? undefined : Number(run)
  return { preview, format, mirror, path: path.join('/'), folder }
}

function decodePart(part: string): string | undefined {
  const decoded = part.includes('%') ? decode(part) : part
  if (decoded === undefined || decoded === '' || decoded === '.' || decoded === '..') return undefined
  return /[/\u0000-\u001f\u007f]/.test(decoded) ? undefined : decoded
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}
