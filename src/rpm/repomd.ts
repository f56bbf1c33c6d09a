import { LarderError } from '../core/index.ts'
import { childOf, childrenOf, escapeXml, parseXml, textOf, type XmlElement } from './xml-document.ts'

/** repodata/repomd.xml: which data files there are. */
export interface Repomd {
  /** '' when there is none. Often seconds since 1970, but whatever the publisher likes. */
  revision: string
  /** In the order of the file. */
  records: RepomdRecord[]
}

export interface RepomdRecord {
  /** `primary`, `filelists`, `other`, `updateinfo`, `group`, `group_gz`, `modules`, `primary_db`, `primary_zck` … */
  type: string
  /** Relative to the repository, as it is written: whoever fetches it checks it. */
  href: string
  /** Of the file. */
  checksum: RepomdChecksum
  /** Of what it unpacks to. */
  openChecksum?: RepomdChecksum
  sizeBytes?: number
  openSizeBytes?: number
  /** Seconds since 1970. */
  timestamp?: number
}

export interface RepomdChecksum {
  /** Lower case; `sha`, which old tools write for it, is `sha1`. Others than we know are left to whoever relies on it. */
  type: string
  /** Lower case. */
  hex: string
}

/**
 * Reads repomd.xml. A record without a type, a place or a checksum is an error: what cannot be verified is not used,
 * and what is left out would look as if the repository had none.
 *
 * @throws RPM_REPOMD_MALFORMED
 */
export function parseRepomd(bytes: Uint8Array): Repomd {
  const { root } = parseXml(bytes, { label: 'repomd.xml', root: 'repomd', code: 'RPM_REPOMD_MALFORMED' })
  const records = childrenOf(root, 'data').map(readRecord)
  return { revision: textOf(root, 'revision') ?? '', records }
}

/** repomd.xml as createrepo writes it, which yum 3 reads too: integer timestamps, nothing that it does not know. */
export function formatRepomd({ revision, records }: Repomd): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    '<repomd xmlns="http://linux.duke.edu/metadata/repo" xmlns:rpm="http://linux.duke.edu/metadata/rpm">\n',
    `  <revision>${escapeXml(revision)}</revision>\n`,
    ...records.map(formatRecord),
    '</repomd>\n',
  ].join('')
}

function readRecord(data: XmlElement): RepomdRecord {
  const { type } = data.attributes
  if (type === undefined || type === '') throw malformed('a record has no type')
  const href = childOf(data, 'location')?.attributes.href
  if (href === undefined || href === '') throw malformed(`its record ${type} has no location`)
  const checksum = readChecksum(childOf(data, 'checksum'), type)
  if (checksum === undefined) throw malformed(`its record ${type} has no checksum`)
  const openChecksum = readChecksum(childOf(data, 'open-checksum'), type)
  const sizeBytes = readNumber(data, 'size', type)
  const openSizeBytes = readNumber(data, 'open-size', type)
  const timestamp = readNumber(data, 'timestamp', type)
  return {
    type,
    href,
    checksum,
    ...(openChecksum && { openChecksum }),
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(openSizeBytes === undefined ? {} : { openSizeBytes }),
    ...(timestamp === undefined ? {} : { timestamp }),
  }
}

function readChecksum(element: XmlElement | undefined, record: string): RepomdChecksum | undefined {
  if (element === undefined) return undefined
  const type = element.attributes.type?.toLowerCase() ?? ''
  const hex = element.text.toLowerCase()
  if (!/^[a-z][a-z0-9-]{1,20}$/.test(type) || !/^[0-9a-f]{8,256}$/.test(hex))
    throw malformed(`a checksum of its record ${record} is malformed`)
  return { type: type === 'sha' ? 'sha1' : type, hex }
}

/** Old tools wrote timestamps such as `1262304000.25`: what follows the point is left out. */
function readNumber(data: XmlElement, name: string, record: string): number | undefined {
  const text = textOf(data, name)
  if (text === undefined || text === '') return undefined
  if (/^\d{1,15}(\.\d*)?$/.test(text)) return Math.trunc(Number(text))
  throw malformed(`${name} of its record ${record} is no number`)
}

function formatRecord(record: RepomdRecord): string {
  const { type, href, checksum, openChecksum, sizeBytes, openSizeBytes, timestamp } = record
  const lines = [
    `<checksum type="${checksum.type}">${checksum.hex}</checksum>`,
    openChecksum && `<open-checksum type="${openChecksum.type}">${openChecksum.hex}</open-checksum>`,
    `<location href="${escapeXml(href)}"/>`,
    timestamp !== undefined && `<timestamp>${Math.trunc(timestamp)}</timestamp>`,
    sizeBytes !== undefined && `<size>${sizeBytes}</size>`,
    openSizeBytes !== undefined && `<open-size>${openSizeBytes}</open-size>`,
  ].filter((line) => typeof line === 'string')
  return `  <data type="${escapeXml(type)}">\n${lines.map((line) => `    ${line}\n`).join('')}  </data>\n`
}

function malformed(why: string): LarderError {
  return new LarderError('RPM_REPOMD_MALFORMED', { message: `repomd.xml cannot be understood: ${why}` })
}
