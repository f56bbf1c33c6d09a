import { digestOf, hexOf } from '../../core/index.ts'
import { planChunks, type Chunk, type IndexPlan } from '../../pieces/index.ts'
import type { RpmPackage } from '../rpm-package.ts'
import { headerOfPackage } from './header-of-package.ts'
import type { PackageHeaders } from './package-headers.ts'
import { filelistsXml, otherXml, primaryXml } from './package-xml.ts'
import type { PlacedPackage } from './placed-package.ts'
import { publishFragment } from './publish-fragment.ts'
import { refuseRichDependencies } from './rich-dependency.ts'

/** What is asked of the indices besides the packages. */
export interface IndexOptions {
  headers: PackageHeaders
  compatibility: 'yum3' | undefined
}

/** Metadata files as they are made, before they are named by their checksum. */
export const indexNames = { primary: 'primary.xml', filelists: 'filelists.xml', other: 'other.xml' } as const

/** primary.xml, filelists.xml and other.xml of sorted packages. */
export function planIndices(packages: readonly PlacedPackage[], options: IndexOptions): IndexPlan[] {
  const { compatibility = '' } = options
  const { headers } = options
  const primary = planChunks(`rpm primary 1 ${compatibility}\n`, packages, {
    fingerprint: ({ fingerprint }) => fingerprint,
    render: (item) => renderPrimary(item, options),
  })
  const ofHeader = (kind: string, xml: (rpm: RpmPackage, pkgid: string) => string): Chunk[] =>
    planChunks(`rpm ${kind} 1\n`, packages, {
      // With its label, which the header is held to.
      fingerprint: ({ checksum, source, label }) => `${source.digest} ${checksum.hex} ${label}\n`,
      render: async (item) => Buffer.from(xml(await headerOfPackage(headers, item), item.checksum.hex)),
    })
  return [
    plan(indexNames.primary, primary, { count: packages.length, root: 'metadata', namespaces: primaryNamespaces }),
    plan(indexNames.filelists, ofHeader('filelists', filelistsXml), {
      count: packages.length,
      root: 'filelists',
      namespaces: 'xmlns="http://linux.duke.edu/metadata/filelists"',
    }),
    plan(indexNames.other, ofHeader('other', otherXml), {
      count: packages.length,
      root: 'otherdata',
      namespaces: 'xmlns="http://linux.duke.edu/metadata/other"',
    }),
  ]
}

export const primaryNamespaces =
  'xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm"'

async function renderPrimary(item: PlacedPackage, { headers, compatibility }: IndexOptions): Promise<Buffer> {
  const { source, label, path, checksum } = item
  const { primary, sizeBytes, digest } = source
  const isForYum3 = compatibility === 'yum3'
  if (primary !== undefined) {
    return publishFragment(primary, { label, path, sizeBytes, digest, checksum, isForYum3 })
  }
  const rpm = await headerOfPackage(headers, item)
  if (isForYum3) refuseRichDependencies(label, rpm)
  return Buffer.from(primaryXml(rpm, { path, checksum, isForYum3 }))
}

function plan(
  path: string,
  chunks: readonly Chunk[],
  { root, namespaces, count }: { root: string; namespaces: string; count: number },
): IndexPlan {
  const head = `<?xml version="1.0" encoding="UTF-8"?>\n<${root} ${namespaces} packages="${count}">\n`
  return { path, chunks: [literal(head), ...chunks, literal(`</${root}>\n`)], encodings: ['gz'] }
}

function literal(text: string): Chunk {
  return { key: hexOf(digestOf(`rpm text\n${text}`)), render: () => Buffer.from(text) }
}
