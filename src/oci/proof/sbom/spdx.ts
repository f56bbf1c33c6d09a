import { createHash } from 'node:crypto'
import { seconds } from '../provenance.ts'
import type { Distribution } from './installed-package.ts'
import type { FoundPackage, Inventory } from './inventory.ts'
import { licenseExpression } from './license.ts'
import { imagePurl } from './purl.ts'

export interface SpdxOptions {
  /** Name of the repository: `team/counter`. */
  name: string
  /** Tag that the image has. */
  version: string
  /** Of its manifest. */
  digest: string
  createdAt: Date
  larderVersion: string
}

/** The document: for the same inventory and options the same. Source: SPDX 2.3, clauses 6, 7 and 11, in JSON. */
export function spdxOf(inventory: Inventory, options: SpdxOptions): object {
  const { distribution, notes } = inventory
  const parts = [...(distribution ? [systemPackage(distribution)] : []), ...inventory.packages.map(packageOf)]
  return documentOf(options, {
    comment: [scope, ...notes].join(' '),
    packages: [imagePackage(imageId, options), ...parts],
    relationships: parts.map(({ SPDXID }) => relation(imageId, 'CONTAINS', SPDXID)),
  })
}

/**
 * The document of an index: its images, each of which has a document of its own about what is in it.
 * Source: SPDX 2.3, clause 11, VARIANT_OF.
 */
export function spdxOfIndex(images: readonly { digest: string; platform: string }[], options: SpdxOptions): object {
  const variants = images.map(({ digest, platform }) => {
    const id = `${imageId}-${idString(platform)}`
    return { ...imagePackage(id, { ...options, digest }), summary: `For ${platform}` }
  })
  return documentOf(options, {
    comment: 'Lists the images that there are of it. A document that refers to each image lists what is in that.',
    packages: [imagePackage(imageId, options), ...variants],
    relationships: variants.map(({ SPDXID }) => relation(SPDXID, 'VARIANT_OF', imageId)),
  })
}

interface SpdxContent {
  comment: string
  packages: SpdxPackage[]
  relationships: object[]
}

function documentOf(options: SpdxOptions, { comment, packages, relationships }: SpdxContent): object {
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: documentId,
    name: `${options.name}:${options.version}`,
    creationInfo: { created: seconds(options.createdAt), creators: [`Tool: larder-${options.larderVersion}`] },
    comment,
    packages,
    relationships: [relation(documentId, 'DESCRIBES', imageId), ...relationships],
  }
  // Another document, another namespace; the same one, the same.
  return { ...document, documentNamespace: `urn:uuid:${uuidOf(JSON.stringify(document))}` }
}

function relation(spdxElementId: string, relationshipType: string, relatedSpdxElement: string): object {
  return { spdxElementId, relationshipType, relatedSpdxElement }
}

const scope =
  'Lists what the databases of dpkg, rpm, apk, npm and Python in the image say is installed. What came without a package manager is not listed.'
const documentId = 'SPDXRef-DOCUMENT'
const imageId = 'SPDXRef-Image'

interface SpdxPackage {
  SPDXID: string
  name: string
  [field: string]: unknown
}

/** Nothing is claimed of what was not looked at. */
const unsaid = {
  downloadLocation: 'NOASSERTION',
  filesAnalyzed: false,
  licenseConcluded: 'NOASSERTION',
  copyrightText: 'NOASSERTION',
}

function imagePackage(id: string, { name, version, digest }: SpdxOptions): SpdxPackage {
  const [algorithm = '', hex = ''] = digest.split(':')
  return {
    SPDXID: id,
    name,
    versionInfo: version,
    ...unsaid,
    licenseDeclared: 'NOASSERTION',
    supplier: 'NOASSERTION',
    primaryPackagePurpose: 'CONTAINER',
    checksums: [{ algorithm: algorithm.toUpperCase(), checksumValue: hex }],
    externalRefs: [purlReference(imagePurl(name, digest, version))],
  }
}

function systemPackage({ id, versionId, name, cpe }: Distribution): SpdxPackage {
  const cpeType = cpe?.startsWith('cpe:2.3:') ? 'cpe23Type' : 'cpe22Type'
  const isCpe = cpe !== undefined && /^cpe:(?:2\.3:|\/)[ahoAHO]/.test(cpe)
  return {
    SPDXID: 'SPDXRef-OperatingSystem',
    name: id,
    ...(versionId ? { versionInfo: versionId } : {}),
    summary: name,
    ...unsaid,
    licenseDeclared: 'NOASSERTION',
    supplier: 'NOASSERTION',
    primaryPackagePurpose: 'OPERATING-SYSTEM',
    ...(isCpe
      ? { externalRefs: [{ referenceCategory: 'SECURITY', referenceType: cpeType, referenceLocator: cpe }] }
      : {}),
  }
}

function packageOf(found: FoundPackage): SpdxPackage {
  const declared = licenseExpression(found.license)
  const isUnknown = found.license !== undefined && found.license !== '' && declared === undefined
  const places = found.places.map(({ path, layer }) => `/${path} in layer ${layer}`).join(', ')
  const version = found.epoch === undefined ? found.version : `${found.epoch}:${found.version}`
  return {
    SPDXID: `SPDXRef-Package-${found.kind}-${idString(found.name)}-${hashOf(found.purl).slice(0, 16)}`,
    name: found.name,
    versionInfo: version,
    ...unsaid,
    licenseDeclared: declared ?? 'NOASSERTION',
    ...(isUnknown ? { licenseComments: `In the words of the package: ${oneLine(found.license ?? '')}` } : {}),
    supplier: found.supplier ? `Organization: ${oneLine(found.supplier)}` : 'NOASSERTION',
    sourceInfo: `Found in ${places}${found.source ? `; built from ${found.source}` : ''}.`,
    externalRefs: [purlReference(found.purl)],
  }
}

function purlReference(purl: string): object {
  return { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl }
}

/** Letters, digits, `.` and `-` alone may stand in an identifier. */
function idString(text: string): string {
  return text.replace(/[^A-Za-z0-9.-]+/g, '-').slice(0, 80)
}

function oneLine(text: string): string {
  return text.toWellFormed().replace(/\s+/g, ' ').trim().slice(0, 500)
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** Source: RFC 9562, section 5.8 (version 8: made by rules of one's own). */
function uuidOf(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
