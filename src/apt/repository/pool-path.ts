import { hexOf } from '../../core/index.ts'
import type { RepositoryPackage } from './repository-package.ts'

/**
 * The path of each package in the published repository, in the order given, which should be sorted; `shared` has the index of each whose file an earlier
 * package has the same file. The upstream's `Filename` is kept
 * wherever it is sane and free, since then the stanza is published byte for byte. Otherwise (a flat repository,
 * odd characters, a path that another package has with other content) it is
 * `pool/<component>/<prefix>/<source>/<name>_<version>_<architecture>.deb`, as in Debian's own archive, with a
 * folder named after the digest when even that is taken.
 */
export function assignPoolPaths(
  packages: readonly RepositoryPackage[],
  defaultComponent: string,
): { paths: string[]; shared: ReadonlySet<number> } {
  const owners = new Map<string, string>()
  const shared = new Set<number>()
  const isFree = (path: string, digest: string, index: number): boolean => {
    const owner = owners.get(path)
    if (owner === undefined) owners.set(path, digest)
    else if (owner === digest) shared.add(index)
    else return false
    return true
  }
  const paths = packages.map((item, index) => {
    if (isPoolPath(item.filename) && isFree(item.filename, item.digest, index)) return item.filename
    const { folder, file } = poolPath(item, item.component ?? defaultComponent)
    const wishes = [`${folder}/${file}`, `${folder}/${hexOf(item.digest)}/${file}`]
    const path = wishes.find((wish) => isFree(wish, item.digest, index))
    if (path === undefined) throw new Error(`no free path in the pool for ${item.name} ${item.version}`)
    return path
  })
  return { paths, shared }
}

/**
 * Whether a path of an upstream may be ours: at least one folder, no part that is special, none but the last that
 * looks like a package (so that no file is another's folder), and not where indices are.
 */
export function isPoolPath(path: string): boolean {
  return (
    path.length <= 400 && sane.test(path) && packageFile(path) && !folderLikeFile.test(path) && !reserved.test(path)
  )
}

/** Whether a folder of an upstream may be ours, for files of a source package. */
export function isPoolFolder(path: string): boolean {
  return path.length <= 300 && sane.test(`${path}/-`) && !folderLikeFile.test(`${path}/`) && !reserved.test(`${path}/`)
}

/** `pool/main/libf/libfoo` */
export function poolFolder(sourceName: string, component: string): string {
  const source = portable(sourceName)
  const prefix = source.startsWith('lib') && source.length > 3 ? source.slice(0, 4) : source.slice(0, 1)
  return `pool/${component}/${prefix}/${source}`
}

const sane = /^[A-Za-z0-9][A-Za-z0-9+~._%:=@,-]*(?:\/[A-Za-z0-9+~_%:=@,-][A-Za-z0-9+~._%:=@,-]*)+$/
const folderLikeFile = /\.[ud]?deb\//
const reserved = /^(?:dists|keys|setup|larder)\//

function packageFile(path: string): boolean {
  return path.endsWith('.deb') || path.endsWith('.udeb') || path.endsWith('.ddeb')
}

function poolPath(item: RepositoryPackage, component: string): { folder: string; file: string } {
  const version = item.version.replace(/^[0-9]+:/, '')
  const file = `${portable(item.name)}_${portable(version)}_${portable(item.architecture)}.deb`
  return { folder: poolFolder(item.sourceName ?? item.name, component), file }
}

function portable(text: string): string {
  const plain = text.replace(/[^A-Za-z0-9+~.-]/g, '_').replace(/^\.+/, '_')
  return plain === '' ? '_' : plain.slice(0, 120)
}
