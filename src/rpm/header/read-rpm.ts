import { Header, HeaderFault, introductionBytes, readHeaderSize } from './header.ts'
import { malformed, readRange, type RpmSource } from './rpm-source.ts'

/** An .rpm without its payload. */
export interface RpmFile {
  label: string
  /** Of the whole file. */
  sizeBytes: number
  signature: Header
  header: Header
  /** Where the main header lies in the file; it ends where the payload begins. */
  headerStart: number
  headerEnd: number
}

export const leadBytes = 96
/** The one kind there is: a header of its own. */
const signatureOfHeaders = 5
/** Most headers are within; those of a kernel are not. */
const firstBytes = 64 * 1024
/** rpm pads the signature header, and only that, to a multiple of 8. */
export const padTo = 8

/**
 * Reads lead, signature and header; the payload stays where it is. Source: "RPM Package Format" of the rpm manual.
 *
 * @throws RPM_MALFORMED
 */
export async function readRpm(source: RpmSource): Promise<RpmFile> {
  const first = await readRange(source, { start: 0, end: firstBytes })
  const take = async (start: number, end: number): Promise<Buffer> =>
    end <= first.length ? first.subarray(start, end) : await readRange(source, { start, end })
  try {
    checkLead(first)
    const signature = await readHeader(take, leadBytes, source)
    const headerStart = leadBytes + Math.ceil(signature.bytes.length / padTo) * padTo
    const header = await readHeader(take, headerStart, source)
    const headerEnd = headerStart + header.bytes.length
    return { label: source.label, sizeBytes: source.sizeBytes, signature, header, headerStart, headerEnd }
  } catch (error) {
    throw error instanceof HeaderFault ? malformed(source.label, error.message) : error
  }
}

/** As readRpm, of a file that is in memory. @throws RPM_MALFORMED */
export function readRpmBytes(bytes: Buffer, label: string): RpmFile {
  try {
    checkLead(bytes)
    const signature = headerAt(bytes, leadBytes)
    const headerStart = leadBytes + Math.ceil(signature.bytes.length / padTo) * padTo
    const header = headerAt(bytes, headerStart)
    return {
      label,
      sizeBytes: bytes.length,
      signature,
      header,
      headerStart,
      headerEnd: headerStart + header.bytes.length,
    }
  } catch (error) {
    throw error instanceof HeaderFault ? malformed(label, error.message) : error
  }
}

function headerAt(bytes: Buffer, start: number): Header {
  const { totalBytes } = readHeaderSize(bytes.subarray(start, start + introductionBytes))
  return new Header(bytes.subarray(start, start + totalBytes))
}

async function readHeader(
  take: (start: number, end: number) => Promise<Buffer>,
  start: number,
  { sizeBytes }: RpmSource,
): Promise<Header> {
  const { totalBytes } = readHeaderSize(await take(start, start + introductionBytes))
  if (start + totalBytes > sizeBytes) throw new HeaderFault('it ends in the middle of a header')
  return new Header(await take(start, start + totalBytes))
}

function checkLead(first: Buffer): void {
  if (first.length < leadBytes) throw new HeaderFault(`it has ${first.length} bytes`)
  if (first.readUInt32BE(0) !== 0xedabeedb) throw new HeaderFault('it does not begin as one')
  if (first[4] !== 3 && first[4] !== 4) throw new HeaderFault(`version ${first[4]} of the format is not known`)
  if (first.readUInt16BE(78) !== signatureOfHeaders) throw new HeaderFault('its signature is of no known kind')
}
