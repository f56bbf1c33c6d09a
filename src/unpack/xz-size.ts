/** A footer is 12 bytes: CRC-32, size of the index, flags, magic. Source: xz-file-format 1.2.1, 2.1.2. */
export const xzFooterBytes = 12

/** How long the index before a footer is, in bytes; undefined when the footer is none. */
export function xzIndexBytes(footer: Buffer): number | undefined {
  if (footer.length !== xzFooterBytes || footer.toString('latin1', 10) !== 'YZ') return undefined
  return (footer.readUInt32LE(4) + 1) * 4
}

/**
 * What the stream before an index unpacks to, as the index says, in bytes; undefined when it is malformed. Not to be
 * believed before `xz` has unpacked it. Source: xz-file-format 1.2.1, 4.
 */
export function xzUnpackedBytes(index: Buffer): number | undefined {
  const numbers = numbersFrom(index, 1)
  const count = numbers.next().value
  if (index[0] !== 0 || count === undefined || count > index.length) return undefined
  let total = 0
  for (let record = 0; record < count; record++) {
    const packed = numbers.next().value
    const unpacked = numbers.next().value
    if (packed === undefined || unpacked === undefined) return undefined
    total += unpacked
  }
  return Number.isSafeInteger(total) ? total : undefined
}

/** Seven bits in each byte, the lowest first; ends where there is no number. */
function* numbersFrom(bytes: Buffer, start: number): Generator<number, undefined> {
  for (let at = start; at < bytes.length;) {
    let [value, scale, byte] = [0, 1, 0x80]
    for (; byte >= 0x80 && at < bytes.length && scale < 2 ** 56; scale *= 128) {
      byte = bytes[at++]!
      value += (byte & 0x7f) * scale
    }
    if (byte >= 0x80) return undefined
    yield value
  }
  return undefined
}
