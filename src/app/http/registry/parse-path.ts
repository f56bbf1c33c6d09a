/** What an address below `/v2/` is about; names and references as they were written, not yet checked. */
export type RegistryPath =
  | { kind: 'root' | 'catalog' | 'token' }
  | { kind: 'tags' | 'uploads'; name: string }
  | { kind: 'manifest' | 'blob' | 'upload' | 'referrers'; name: string; reference: string }

/**
 * Names contain slashes, so an address is read from its end. Undefined: no address of a registry. Source: OCI
 * distribution-spec, "Endpoints".
 */
export function parseRegistryPath(path: string): RegistryPath | undefined {
  const decoded = decode(path)
  if (decoded === undefined) return undefined
  if (decoded === '/v2' || decoded === '/v2/') return { kind: 'root' }
  if (decoded === '/v2/_catalog') return { kind: 'catalog' }
  if (decoded === '/v2/token') return { kind: 'token' }
  for (const [kind, pattern] of listPatterns) {
    const name = pattern.exec(decoded)?.[1]
    if (name !== undefined) return { kind, name }
  }
  for (const [kind, pattern] of itemPatterns) {
    const [, name, reference] = pattern.exec(decoded) ?? []
    if (name !== undefined && reference !== undefined) return { kind, name, reference }
  }
  return undefined
}

const listPatterns = [
  ['tags', /^\/v2\/(.+)\/tags\/list$/],
  ['uploads', /^\/v2\/(.+)\/blobs\/uploads\/?$/],
] as const

const itemPatterns = [
  ['upload', /^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/],
  ['manifest', /^\/v2\/(.+)\/manifests\/([^/]+)$/],
  ['blob', /^\/v2\/(.+)\/blobs\/([^/]+)$/],
  ['referrers', /^\/v2\/(.+)\/referrers\/([^/]+)$/],
] as const

function decode(path: string): string | undefined {
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path)
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}
