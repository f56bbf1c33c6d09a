import { parseSiteFile, subDocument, type Problem, type SiteFiles } from '../core/index.ts'
import type { MirrorConfig } from './mirror-schema.ts'
import { packagesOf, parsePackageList, type PackageList } from './package-list.ts'

const siteFile = 'larder.yaml'

/**
 * The package list of a mirror, from the file that it names or from larder.yaml itself. A file that is not there is a
 * problem at the place where it is named.
 */
export async function readPackageList(files: SiteFiles, mirror: string, config: MirrorConfig): Promise<PackageList> {
  const { packages } = config
  if (typeof packages === 'string') {
    const bytes = await files.read(packages)
    if (bytes !== undefined) return parsePackageList(bytes, packages)
  }
  const site = parseSiteFile((await files.read(siteFile)) ?? Buffer.alloc(0), siteFile).document
  const named = site && subDocument(site, ['mirrors', mirror, 'packages'])
  if (named !== undefined && typeof packages !== 'string') return packagesOf(named)
  return { list: [], problems: [notThere(String(packages), named?.positionOf([]) ?? { line: 1, column: 1 })] }
}

function notThere(path: string, position: { line: number; column: number }): Problem {
  const message = `there is no file ${JSON.stringify(path)} in the site`
  return { severity: 'error', file: siteFile, ...position, message, expected: 'the path of a package list' }
}
