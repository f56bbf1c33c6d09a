import type { Distribution, InstalledPackage } from './installed-package.ts'

/** What names a package everywhere. Source: package-url, PURL-SPECIFICATION.rst and PURL-TYPES.rst. */
export function purlOf(found: InstalledPackage, distribution: Distribution | undefined): string {
  const { kind, name, version } = found
  switch (kind) {
    case 'npm':
      // A scope and its slash are the namespace.
      return `pkg:npm/${name.split('/').map(encode).join('/')}@${encode(version)}`
    case 'pypi':
      return `pkg:pypi/${encode(name.toLowerCase().replaceAll('_', '-'))}@${encode(version)}`
    default: {
      const namespace = encode(distribution?.id ?? defaultNamespace[kind])
      const qualifiers = {
        arch: found.architecture,
        distro: distribution && [distribution.id, distribution.versionId].filter(Boolean).join('-'),
        epoch: found.epoch === undefined ? undefined : String(found.epoch),
        upstream: found.source,
      }
      const written = kind === 'rpm' ? name : name.toLowerCase()
      return `pkg:${kind}/${namespace}/${encode(written)}@${encode(version)}${queryOf(qualifiers)}`
    }
  }
}

/** An image by its digest. */
export function imagePurl(name: string, digest: string, tag: string | undefined): string {
  const short = name.slice(name.lastIndexOf('/') + 1).toLowerCase()
  return `pkg:oci/${encode(short)}@${encode(digest)}${queryOf({ tag })}`
}

const defaultNamespace = { deb: 'debian', rpm: 'redhat', apk: 'alpine' }

/** Keys are in their order already. */
function queryOf(qualifiers: Record<string, string | undefined>): string {
  const parts = Object.entries(qualifiers).flatMap(([key, value]) => (value ? `${key}=${encode(value)}` : []))
  return parts.length === 0 ? '' : `?${parts.join('&')}`
}

/** Letters, digits and `.-_~` stay, and so does the colon. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%3A', ':')
}
