import { LarderError } from '../core/index.ts'
import { childOf, childrenOf, parseXml, textOf, type XmlElement } from './xml-document.ts'
import type { RepomdChecksum } from './repomd.ts'

/** What a metalink says of repomd.xml, and where copies of it are. */
export interface Metalink {
  /** Addresses of repomd.xml itself, the preferred one first, of whatever scheme. */
  addresses: string[]
  /** The newest generation first, then those that mirrors which lag behind may still have. */
  promises: RepomdPromise[]
}

export interface RepomdPromise {
  /** The best of those that are given. */
  checksum: RepomdChecksum
  sizeBytes?: number
  /** Seconds since 1970. */
  timestamp?: number
}

/**
 * Reads a metalink, of version 3 (with its alternates, as mirror managers write them) or 4 (RFC 5854).
 *
 * @throws RPM_METALINK_MALFORMED, also when it does not speak of repomd.xml or promises no checksum
 */
export function parseMetalink(bytes: Uint8Array): Metalink {
  const { root } = parseXml(bytes, { label: 'The metalink', root: 'metalink', code: 'RPM_METALINK_MALFORMED' })
  const files = childrenOf(childOf(root, 'files') ?? root, 'file')
  const file = files.find(({ attributes }) => attributes.name === 'repomd.xml')
  if (file === undefined) throw malformed('it does not speak of repomd.xml')
  const alternates = childrenOf(file, 'alternates').flatMap((group) => childrenOf(group, 'alternate'))
  const [newest, ...older] = [file, ...alternates].map(readPromise)
  if (newest === undefined) throw malformed('it promises no checksum of repomd.xml')
  return { addresses: readAddresses(file), promises: [newest, ...older.filter((one) => one !== undefined)] }
}

/** Strong ones first; among those SHA-256, which is looked at in any case. */
const preferred = ['sha256', 'sha512', 'sha384', 'sha224', 'sha1', 'md5']

function readPromise(element: XmlElement): RepomdPromise | undefined {
  const checksums = childrenOf(childOf(element, 'verification') ?? element, 'hash')
    .map(({ attributes, text }) => ({ type: typeOf(attributes.type), hex: text.toLowerCase() }))
    .filter(({ type, hex }) => preferred.includes(type) && /^[0-9a-f]{32,128}$/.test(hex))
    .sort((a, b) => preferred.indexOf(a.type) - preferred.indexOf(b.type))
  const [checksum] = checksums
  if (checksum === undefined) return undefined
  const sizeBytes = readNumber(element, 'size')
  const timestamp = readNumber(element, 'timestamp')
  return {
    checksum,
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(timestamp === undefined ? {} : { timestamp }),
  }
}

/** RFC 5854 writes `sha-256`. */
function typeOf(type = ''): string {
  const plain = type.toLowerCase().replace('-', '')
  return plain === 'sha' ? 'sha1' : plain
}

function readNumber(element: XmlElement, name: string): number | undefined {
  const text = textOf(element, name)
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

/** `preference` (3) is better when it is higher, `priority` (4) when it is lower. */
function readAddresses(file: XmlElement): string[] {
  const urls = childrenOf(childOf(file, 'resources') ?? file, 'url')
  const rankOf = ({ attributes: { preference, priority } }: XmlElement): number =>
    preference === undefined ? Number(priority ?? 999_999) : -Number(preference)
  const ranked = urls.map((url) => ({ address: url.text, rank: rankOf(url) || 0 }))
  return ranked
    .sort((a, b) => a.rank - b.rank)
    .map(({ address }) => address)
    .filter((address) => address !== '')
}

function malformed(why: string): LarderError {
  return new LarderError('RPM_METALINK_MALFORMED', { message: `The metalink cannot be understood: ${why}` })
}
