import {
  readSiteFile,
  parseSiteFile,
  problemAt,
  subDocument,
  type SiteFiles,
  type SourceDocument,
} from '../core/index.ts'
import type { MirrorConfig } from './mirror-schema.ts'
import { packagesOf, parsePackageList, type PackageList } from './package-list.ts'

const siteFile = 'larder.yaml'

/** The package list of a mirror, from the file that it names or from larder.yaml itself. */
export async function readPackageList(files: SiteFiles, mirror: string, config: MirrorConfig): Promise<PackageList> {
  const bytes = typeof config.packages === 'string' ? await files.read(config.packages) : undefined
  if (bytes !== undefined) return parsePackageList(bytes, String(config.packages))
  const site = parseSiteFile((await files.read(siteFile)) ?? Buffer.alloc(0), siteFile).document
  if (site === undefined) return { list: [], problems: [] }
  return readNamedList(files, subDocument(site, ['mirrors', mirror, 'packages']))
}

/**
 * As readPackageList; `named` is what stands under `packages`: a list, or the path of a file. One that is not there,
 * or must not be read, is a problem at the place where it is named.
 */
export async function readNamedList(files: SiteFiles, named: SourceDocument): Promise<PackageList> {
  const { value: path } = named
  if (typeof path !== 'string') return packagesOf(named)
  const read = await readSiteFile(files, path)
  if ('bytes' in read) return parsePackageList(read.bytes, path)
  const problem = { message: read.fault, expected: 'the path of a package list' }
  return { list: [], problems: [problemAt(named, [], problem)] }
}
