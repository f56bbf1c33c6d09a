import { hexOf } from '../../core/digest.ts'
import type { RepositoryPackage } from './repository-package.ts'

/**
 * The path of each package in the published repository; `packages` sorted. The upstream's `Filename` is kept
 * wherever it is sane and free, since then the stanza is published byte for byte. Otherwise (a flat repository,
 * odd characters, a path that another package has with other content) it is
 * `pool/<component>/<prefix>/<source>/<name>_<version>_<architecture>.deb`, as in Debian's own archive, with a
 * folder named after the digest when even that is taken.
 */
export function assignPoolPaths(packages: readonly RepositoryPackage[], defaultComponent: string): string[] {
  const taken = new Map<string, string>()
  const claim = (path: string, digest: string): boolean => {
    const owner = taken.get(path)
    if (owner === undefined) taken.set(path, digest)
    return owner === undefined || owner === digest
  }
  return packages.map((item) => {
    if (isPoolPath(item.filename) && claim(item.filename, item.digest)) return item.filename
    const { folder, file } = poolPath(item, item.component ?? defaultComponent)
    const plain = `${folder}/${file}`
    if (claim(plain, item.digest)) return plain
    const path = `${folder}/${hexOf(item.digest).slice(0, 16)}/${file}`
    claim(path, item.digest)
    return path
  })
}

/**
 * Whether a path of an upstream may be ours: at least one folder, no part that is special, none but the last that
 * looks like a package (so that no file is another's folder), and not where indices are.
 */
export function isPoolPath(path: string): boolean {
  if (path.length > 400 || !/^[A-Za-z0-9][A-Za-z0-9+~._%:=@,/-]*$/.test(path)) return false
  const parts = path.split('/')
  const last = parts.at(-1)!
  if (parts.length < 2 || reserved.has(parts[0]!) || !packageFile.test(last) || last.length > 200) return false
  return parts.every((part, index) => {
    const isFolder = index < parts.length - 1
    return part !== '' && !part.startsWith('.') && part.length <= 200 && !(isFolder && packageFile.test(part))
  })
}

const reserved = new Set(['dists', 'keys', 'setup', 'larder'])
const packageFile = /\.(?:deb|udeb|ddeb|dsc|tar\.[a-z0-9]+|diff\.gz|asc|tar)$/

function poolPath(item: RepositoryPackage, component: string): { folder: string; file: string } {
  const source = portable(item.sourceName ?? item.name)
  const prefix = source.startsWith('lib') && source.length > 3 ? source.slice(0, 4) : source.slice(0, 1)
  const version = item.version.replace(/^[0-9]+:/, '')
  const file = `${portable(item.name)}_${portable(version)}_${portable(item.architecture)}.deb`
  return { folder: `pool/${component}/${prefix}/${source}`, file }
}

function portable(text: string): string {
  const plain = text.replace(/[^A-Za-z0-9+~.-]/g, '_').replace(/^\.+/, '_')
  return plain === '' ? '_' : plain.slice(0, 120)
}
