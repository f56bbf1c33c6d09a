/** What stands where a secret was. */
export const redacted = '[redacted]'

/**
 * Text without the secrets that are known by their place (credentials in URLs, Authorization headers, and
 * `token=`-like parameters) or by their look (signed tokens). Everything else is left as it is.
 */
export function redactText(text: string): string {
  return patterns.reduce((kept, { find, replacement }) => kept.replace(find, replacement), text)
}

/** Whether a field of this name holds a secret: `token`, `hookSecret`, `X-Api-Key`, `set-cookie`, … */
export function isSecretName(name: string): boolean {
  return secretName.test(name)
}

const secretName =
  /(?:token|secret|passwo?r?d|passphrase|authorization|cookie|credentials?|api[-_]?key|private[-_]?key)$/i

const patterns = [
  // userinfo of RFC 3986 §3.2.1; the user's name may be the token itself, so it goes too
  { find: /([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/?#@"'<>]{1,2048}@/gi, replacement: `$1${redacted}@` },
  // RFC 9110 §11.6.2, also as it stands in a dumped header list
  {
    find: /\b((?:proxy-)?authorization["']?\s*[:=,]\s*["']?)(?:(?:basic|bearer|token)\s+)?[^\s"',]+/gi,
    replacement: `$1${redacted}`,
  },
  // RFC 7519 §3: header and claims are JSON, and signed; wherever it stands
  { find: /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}/g, replacement: redacted },
  { find: /\b(bearer\s+)[\w.~+/=-]{8,}/gi, replacement: `$1${redacted}` },
  {
    find: /((?:token|secret|password|passphrase|api[-_]?key)["']?\s*[=:]\s*["']?)[^\s&"',;]+/gi,
    replacement: `$1${redacted}`,
  },
]
