import { scanStream } from '../table/index.ts'
import { sanitizeFragment } from './repository/sanitize-fragment.ts'
import { FragmentScanner, type FragmentReader } from './table/fragment-scanner.ts'
import type { XmlCursor } from './table/xml-cursor.ts'

/** A package that an advisory names. */
export interface AdvisoryPackage {
  name: string
  /** `1:2.0-3.el9`; no epoch where it is 0. */
  evr: string
  architecture: string
}

export interface CutUpdateinfoOptions {
  /** What the mirror holds. */
  has: (one: AdvisoryPackage) => boolean
  /** For messages. Default: `updateinfo.xml`. */
  label?: string
  /** Of each decompressed file. Default: 2 GiB. */
  maxTotalBytes?: number
}

/**
 * updateinfo.xml of the advisories that are about packages of the mirror, in upstream's own words: of their packages
 * those that the mirror holds, and no advisory without any. Several files, of several upstreams, become one; an
 * advisory that is in two of them is there twice, with the packages of each, unless it says the same. Each file is
 * read once, as a stream: what is kept is all that is in memory. Undefined when nothing is kept.
 *
 * @throws RPM_XML_MALFORMED, DECOMPRESS_BOMB, and whatever the streams throw
 */
export async function cutUpdateinfo(
  streams: readonly AsyncIterable<Buffer>[],
  { has, label = 'updateinfo.xml', maxTotalBytes = 2 * 2 ** 30 }: CutUpdateinfoOptions,
): Promise<Buffer | undefined> {
  const kept = new Set<string>()
  for (const stream of streams) {
    const reader = new UpdateinfoReader(has, kept)
    const scanner = new FragmentScanner(reader, { label, root: 'updates' })
    await scanStream(stream, { scan: (bytes, at) => scanner.scan(bytes, at), label, maxTotalBytes })
  }
  if (kept.size === 0) return undefined
  return Buffer.from([header, ...Array.from(kept, (text) => `${text}\n`), '</updates>\n'].join(''), 'latin1')
}

const header = '<?xml version="1.0" encoding="UTF-8"?>\n<updates>\n'

/** Where an element lies, and whether it stays. */
interface Part {
  start: number
  end: number
  isKept: boolean
}

class UpdateinfoReader implements FragmentReader {
  private readonly has: (one: AdvisoryPackage) => boolean
  /** One character for each byte. */
  private readonly kept: Set<string>
  private isAdvisory = false
  private isInList = false
  private collection: Part | undefined
  private package: Part | undefined
  /** Collections and packages that do not stay. */
  private removed: Part[] = []
  private keptCount = 0

  constructor(has: (one: AdvisoryPackage) => boolean, kept: Set<string>) {
    this.has = has
    this.kept = kept
  }

  root(): void {
    // Nothing that it says is kept.
  }

  begin(): void {
    this.removed = []
    this.keptCount = 0
    this.isInList = false
    this.collection = this.package = undefined
  }

  open(cursor: XmlCursor, depth: number): void {
    if (depth > 3) return
    const name = cursor.bytes.toString('latin1', cursor.localStart, cursor.nameEnd)
    const part = { start: cursor.tokenStart, end: cursor.at, isKept: false }
    if (depth === 0) this.isAdvisory = name === 'update'
    else if (depth === 1) this.isInList = name === 'pkglist'
    else if (depth === 2 && this.isInList && name === 'collection') this.collection = part
    else if (depth === 3 && this.collection !== undefined && name === 'package') {
      this.package = { ...part, isKept: this.has(packageOf(cursor)) }
    }
  }

  text(): void {
    // Whatever it is, it stays as it is.
  }

  close(cursor: XmlCursor, depth: number): void {
    if (depth === 3 && this.package !== undefined) {
      this.package.end = cursor.at
      if (!this.package.isKept) this.removed.push(this.package)
      else {
        this.keptCount++
        this.collection!.isKept = true
      }
      this.package = undefined
    } else if (depth === 2 && this.collection !== undefined) {
      const { collection } = this
      collection.end = cursor.at
      if (!collection.isKept) {
        this.removed = this.removed.filter(({ start }) => start < collection.start)
        this.removed.push(collection)
      }
      this.collection = undefined
    } else if (depth === 1) this.isInList = false
  }

  /** An advisory that no client could read, for a reference to nothing, is left out. */
  end({ bytes, attributes }: XmlCursor, start: number, end: number): void {
    if (!this.isAdvisory || this.keptCount === 0 || attributes.hasBadReference) return
    const texts: string[] = []
    let from = start
    for (const part of this.removed) {
      texts.push(bytes.toString('latin1', from, beforeSpace(bytes, part.start)))
      from = part.end
    }
    texts.push(bytes.toString('latin1', from, end))
    this.kept.add(sanitizeFragment(texts.join('')))
  }
}

function packageOf({ attributes }: XmlCursor): AdvisoryPackage {
  const value = (name: string): string => attributes.value(name) ?? ''
  const epoch = /^[1-9]\d*$/.test(value('epoch')) ? `${value('epoch')}:` : ''
  return { name: value('name'), evr: `${epoch}${value('version')}-${value('release')}`, architecture: value('arch') }
}

function beforeSpace(bytes: Buffer, start: number): number {
  let at = start
  while (bytes[at - 1] === 0x20 || bytes[at - 1] === 0x0a || bytes[at - 1] === 0x0d || bytes[at - 1] === 0x09) at--
  return at
}
