import { isUtf8 } from 'node:buffer'
import { hexOf, LarderError, type Digest } from '../../core/index.ts'
import type { PublishedChecksum } from './package-xml.ts'
import { renameTags } from './rename-tags.ts'
import type { UpstreamPrimary } from './repository-package.ts'
import { richDependency, weakRelations } from './rich-dependency.ts'
import { attributesOf, lastTagOf, scanFragment, type FragmentTag } from './scan-fragment.ts'
import { sanitizeFragment } from './sanitize-fragment.ts'
import { xmlAttribute } from './xml-text.ts'

/** What of the file a fragment is to say. */
export interface FragmentFile {
  /** For messages: `nginx-1.22-3.el9.x86_64`. */
  label: string
  path: string
  sizeBytes: number
  digest: Digest
  checksum: PublishedChecksum
  /** Without elements that yum 3 does not know. */
  isForYum3: boolean
}

/**
 * The fragment as we publish it: the upstream's bytes with another `<location>`, another `<checksum>` where the
 * upstream has a weaker one than SHA-256, its element names with the prefixes that our own root declares, and U+FFFD
 * for what XML has no place for. Every other byte is kept, known or unknown. Ends with one newline.
 *
 * @throws RPM_XML_MALFORMED, SIZE_MISMATCH, DIGEST_MISMATCH when it promises another file than the one in the store
 */
export function publishFragment(primary: UpstreamPrimary, file: FragmentFile): Buffer {
  const bytes = primary.fragment()
  // A character for each byte: what is not ASCII is only copied.
  const raw = isUtf8(bytes) ? bytes.toString('latin1') : Buffer.from(bytes.toString('utf8')).toString('latin1')
  const text = sanitizeFragment(raw).trim()
  const tags = scan(text, file)
  const renamed = renameTags(text, tags)
  const published =
    renamed === undefined ? replaceElements(text, tags, file) : replaceElements(renamed, scan(renamed, file), file)
  return Buffer.from(`${published}\n`, 'latin1')
}

function scan(text: string, file: FragmentFile): FragmentTag[] {
  const tags = scanFragment(text)
  if (tags === undefined) throw malformed(file, 'is not well-formed')
  return tags
}

/** What the fragment is published with: the upstream's checksum, unless it is weaker than SHA-256. */
export function publishedChecksum(primary: UpstreamPrimary | undefined, digest: Digest): PublishedChecksum {
  const { type, hex } = primary?.checksum ?? { type: 'sha256', hex: hexOf(digest) }
  return type === 'sha256' || type === 'sha512' ? { type, hex } : { type: 'sha256', hex: hexOf(digest) }
}

function replaceElements(text: string, tags: readonly FragmentTag[], file: FragmentFile): string {
  if (tags[0]!.name !== 'package') throw malformed(file, `is <${tags[0]!.name}>`)
  const replacer = { text, tags, file, places: 0 }
  let published = ''
  let at = 0
  tags.forEach((tag, index) => {
    if (tag.kind === 'close' || tag.start < at) return
    const by = replacement(replacer, index)
    if (by === undefined) return
    published += text.slice(at, tag.start) + by
    at = tags[lastTagOf(tags, index)]!.end
  })
  if (replacer.places === 0) throw malformed(file, 'has no <location>')
  return published + text.slice(at)
}

interface Replacer {
  text: string
  tags: readonly FragmentTag[]
  file: FragmentFile
  /** How many `<location>` there have been. */
  places: number
}

/** What is written in place of an element; undefined: itself. */
function replacement(replacer: Replacer, index: number): string | undefined {
  const { text, tags, file } = replacer
  const tag = tags[index]!
  if (tag.depth > 1) return file.isForYum3 ? replacementForYum3(tag, file) : undefined
  if (tag.name === 'location') return replacer.places++ === 0 ? `<location href="${xmlAttribute(file.path)}"/>` : ''
  if (tag.name === 'size') checkSize(tag, file)
  if (tag.name !== 'checksum') return undefined
  const written = text.slice(tag.end, tags[index + 1]!.start).trim()
  return isKeptChecksum(tag, written, file) ? undefined : checksumElement(file.checksum)
}

function replacementForYum3(tag: FragmentTag, file: FragmentFile): string | undefined {
  if (weakNames.has(tag.name)) return ''
  if (tag.name === 'rpm:entry') refuseRich(tag, file)
  return undefined
}

function isKeptChecksum(tag: FragmentTag, written: string, file: FragmentFile): boolean {
  const type = attributesOf(tag).find(({ name }) => name === 'type')?.value
  const { checksum, digest, label } = file
  if (type === 'sha256' && written.toLowerCase() !== hexOf(digest)) {
    throw new LarderError('DIGEST_MISMATCH', {
      message: `primary.xml promises another file than the ${label} we have.`,
    })
  }
  return type === checksum.type && written === checksum.hex
}

function checksumElement({ type, hex }: PublishedChecksum): string {
  return `<checksum type="${type}" pkgid="YES">${hex}</checksum>`
}

function checkSize(tag: FragmentTag, { sizeBytes, label }: FragmentFile): void {
  const written = attributesOf(tag).find(({ name }) => name === 'package')?.value
  if (Number(written) === sizeBytes) return
  const message = `primary.xml promises ${written ?? 'no'} bytes of ${label}, which has ${sizeBytes}.`
  throw new LarderError('SIZE_MISMATCH', { message })
}

const weakNames = new Set(weakRelations.map((kind) => `rpm:${kind}`))

function refuseRich(tag: FragmentTag, { label }: FragmentFile): void {
  const name = attributesOf(tag).find((one) => one.name === 'name')?.value
  if (name?.startsWith('(') === true) throw richDependency(label, resolved(name))
}

function resolved(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
}

function malformed({ label }: FragmentFile, how: string): LarderError {
  return new LarderError('RPM_XML_MALFORMED', { message: `What primary.xml says of ${label} ${how}.` })
}
