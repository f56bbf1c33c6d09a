import { LarderError } from '../core/index.ts'

/** Name of a repository: `counter`, `team/counter`. Lower case, with slashes; at most 255 characters. */
export type RepositoryName = string & { readonly [repositoryBrand]: 'RepositoryName' }
/** `sha256:…` or `sha512:…`, as clients write it. */
export type OciDigest = string & { readonly [digestBrand]: 'OciDigest' }
declare const repositoryBrand: unique symbol
declare const digestBrand: unique symbol

/** Source: OCI distribution-spec, "Pulling manifests". OCI_NAME_INVALID. */
export function parseRepositoryName(text: string): RepositoryName {
  if (isRepositoryName(text)) return text
  throw new LarderError('OCI_NAME_INVALID', {
    message: `“${text.slice(0, 100)}” cannot be the name of a repository.`,
    hint: 'Use lower-case letters, digits, and . _ - between them; parts are separated by slashes; at most 255 characters.',
  })
}

export function isRepositoryName(text: string): text is RepositoryName {
  return text.length <= maxNameLength && repositoryPattern.test(text)
}

const maxNameLength = 255
const repositoryPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/

/** What stands for a manifest in an address: a tag or a digest. */
export type Reference = { tag: string } | { digest: OciDigest }

/** OCI_DIGEST_INVALID, OCI_TAG_INVALID. */
export function parseReference(text: string): Reference {
  return text.includes(':') ? { digest: parseDigest(text) } : { tag: parseTag(text) }
}

/** Source: OCI distribution-spec, "Pulling manifests". OCI_TAG_INVALID. */
export function parseTag(text: string): string {
  if (tagPattern.test(text)) return text
  throw new LarderError('OCI_TAG_INVALID', {
    message: `“${text.slice(0, 140)}” cannot be a tag.`,
    hint: 'A tag has 1 to 128 letters, digits and . _ -, and begins with none of . and -.',
  })
}

const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/

/** Source: OCI image-spec, "Digests": the registered algorithms. OCI_DIGEST_INVALID. */
export function parseDigest(text: string): OciDigest {
  if (isOciDigest(text)) return text
  throw new LarderError('OCI_DIGEST_INVALID', {
    message: `“${text.slice(0, 160)}” is not a digest that is known here.`,
    hint: 'Write sha256: and 64 lower-case hex digits, or sha512: and 128 of them.',
  })
}

export function isOciDigest(text: string): text is OciDigest {
  return digestPattern.test(text)
}

const digestPattern = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/

export function algorithmOf(digest: string): 'sha256' | 'sha512' {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256'
}
