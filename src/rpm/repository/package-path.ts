import { hexOf } from '../../core/index.ts'
import type { RepositoryPackage } from './repository-package.ts'

/**
 * The path of each package in the published repository, in the order given: `Packages/n/nginx-1.22-3.el9.x86_64.rpm`,
 * never what the upstream calls it; in a folder named after the digest when another package, which differs in its
 * epoch alone, has that. Characters that a client might take for something else become `_`.
 */
export function assignPaths(packages: readonly RepositoryPackage[]): string[] {
  const taken = new Set<string>()
  return packages.map((item) => {
    const file = fileName(item)
    const folder = `Packages/${file[0]!.toLowerCase()}`
    const wishes = [`${folder}/${file}`, `${folder}/${hexOf(item.digest)}/${file}`]
    const path = wishes.find((wish) => !taken.has(wish))
    if (path === undefined) throw new Error(`no free path for ${file}`)
    taken.add(path)
    return path
  })
}

function fileName({ name, evr: { version, release }, architecture }: RepositoryPackage): string {
  const usual = `${name}-${version}-${release}.${architecture}.rpm`
  if (sane.test(usual) && name !== '') return usual
  const evr = `${portable(version, 60)}-${portable(release, 60)}`
  return `${portable(name, 100)}-${evr}.${portable(architecture, 20)}.rpm`
}

const sane = /^[A-Za-z0-9][A-Za-z0-9+~^._-]{0,249}$/

/** Of a length that leaves the whole name below the 255 bytes of file systems. */
function portable(text: string, mostCharacters: number): string {
  const plain = text.replace(/[^A-Za-z0-9+~^._-]/g, '_').replace(/^[^A-Za-z0-9]/, '_')
  return plain === '' ? '_' : plain.slice(0, mostCharacters)
}
