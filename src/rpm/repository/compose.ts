import { digestOf, hexOf } from '../../core/index.ts'
import { composeFiles, PieceMemory, type ComposeFilesOptions, type IndexPlan } from '../../pieces/index.ts'
import type { TreeEntry } from '../../publish/index.ts'
import type { RepomdRecord } from '../repomd.ts'
import { planPackageLines } from './manifest.ts'
import type { PackageHeaders } from './package-headers.ts'
import { placePackages } from './placed-package.ts'
import { indexNames, planIndices } from './plan-indices.ts'
import type { RepositoryPackage } from './repository-package.ts'

export interface ComposeOptions extends Omit<ComposeFilesOptions, 'memory'> {
  packages: readonly RepositoryPackage[]
  headers: PackageHeaders
  /** Without `noarch`; for those who look at the mirror. */
  architectures: readonly string[]
  compatibility?: 'yum3' | undefined
  /** Cut to what the packages are; without what there is none of. */
  carried?: CarriedFiles
  /** Whether all packages carry a signature by one of `vendorKeys`, so that clients can look at it. Default: true. */
  gpgcheck?: boolean
  /** Armored public keys that the packages are signed by, by the name of their upstream. */
  vendorKeys?: ReadonlyMap<string, Buffer>
  /** Shared by all compositions of the process. Default: one for this call. */
  memory?: PieceMemory
}

/** Metadata files that are not made of packages, plain. */
export interface CarriedFiles {
  updateinfo?: Buffer
  comps?: Buffer
  modules?: Buffer
}

/** What the sealer and the set-up of clients need to know of a snapshot. JSON. */
export interface RepositoryMeta {
  format: 'rpm'
  architectures: string[]
  compatibility?: 'yum3'
  /** What repomd.xml lists, but for the timestamps. */
  records: RepomdRecord[]
  gpgcheck: boolean
  /** Paths of vendors' keys, sorted. */
  vendorKeys: string[]
}

/**
 * Writes the metadata of a repository and answers all entries of its tree but the signed ones, in no order. A
 * function of packages and options alone: what is cached makes it quick, never different. RPM_XML_MALFORMED,
 * RPM_RICH_DEPENDENCY, RPM_HEADER_MISMATCH, SIZE_MISMATCH, DIGEST_MISMATCH, DISK_FULL, CANCELLED; and what `headers` throws.
 */
export async function composeRepository(
  options: ComposeOptions,
): Promise<{ entries: TreeEntry[]; meta: RepositoryMeta }> {
  const { compatibility, headers, vendorKeys = new Map<string, Buffer>() } = options
  const packages = placePackages(options.packages)
  const published = publishedFiles(options.carried ?? {})
  const keys = [...vendorKeys].map(([upstream, bytes]) => ({ path: `keys/RPM-GPG-KEY-${upstream}`, bytes }))
  const { files } = await composeFiles({ ...options, memory: options.memory ?? new PieceMemory() }, () => ({
    indices: [
      ...planIndices(packages, { headers, compatibility }),
      planPackageLines(packages),
      ...carriedPlans(options.carried ?? {}),
    ],
    small: keys,
  }))
  const made = new Map(files.map((file) => [file.path, file]))
  const metadata = published.map((file) => nameByChecksum(file, made))
  const others = files.filter(({ path }) => path.includes('/'))
  const pool = packages.map(({ path, source: { sizeBytes, digest } }) => ({ path, sizeBytes, digest, stable: true }))
  return {
    entries: [...pool, ...metadata.map(({ entry }) => entry), ...others],
    meta: {
      format: 'rpm',
      architectures: [...options.architectures],
      ...(compatibility !== undefined && { compatibility }),
      gpgcheck: options.gpgcheck ?? true,
      records: metadata.map(({ record }) => record),
      vendorKeys: keys.map(({ path }) => path).sort(),
    },
  }
}

/** A file of repomd.xml, as composeFiles has named it; `plain`: what it is unpacked. */
interface PublishedFile {
  type: string
  made: string
  plain?: string
}

const packed = (type: string, plain: string): PublishedFile => ({ type, made: `${plain}.gz`, plain })

function publishedFiles({ updateinfo, comps, modules }: CarriedFiles): PublishedFile[] {
  return [
    ...Object.entries(indexNames).map(([type, name]) => packed(type, name)),
    ...(comps === undefined ? [] : [{ type: 'group', made: 'comps.xml' }, packed('group_gz', 'comps.xml')]),
    ...(updateinfo === undefined ? [] : [packed('updateinfo', 'updateinfo.xml')]),
    ...(modules === undefined ? [] : [packed('modules', 'modules.yaml')]),
  ]
}

function carriedPlans({ updateinfo, comps, modules }: CarriedFiles): IndexPlan[] {
  const files = { 'updateinfo.xml': updateinfo, 'comps.xml': comps, 'modules.yaml': modules }
  return Object.entries(files).flatMap(([path, bytes]): IndexPlan[] =>
    bytes === undefined
      ? []
      : [{ path, chunks: [{ key: hexOf(digestOf(bytes)), render: () => bytes }], encodings: ['gz'] }],
  )
}

/** Under its checksum, where clients that hold an older repomd.xml still find what that one promises. */
function nameByChecksum(
  { type, made, plain }: PublishedFile,
  files: ReadonlyMap<string, TreeEntry>,
): { entry: TreeEntry; record: RepomdRecord } {
  const file = files.get(made)!
  const open = plain === undefined ? undefined : files.get(plain)!
  const path = `repodata/${hexOf(file.digest)}-${made}`
  return {
    entry: { ...file, path, stable: true },
    record: {
      type,
      href: path,
      checksum: checksumOf(file),
      sizeBytes: file.sizeBytes,
      ...(open && { openChecksum: checksumOf(open), openSizeBytes: open.sizeBytes }),
    },
  }
}

function checksumOf({ digest }: TreeEntry): { type: 'sha256'; hex: string } {
  return { type: 'sha256', hex: hexOf(digest) }
}
