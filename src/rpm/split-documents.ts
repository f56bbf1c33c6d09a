/**
 * The documents of a YAML stream, as they are written: each from its line `---`. Such a line ends whatever is open, a
 * block of text too (YAML 1.2, `c-forbidden`), so that nothing need be parsed to find it. `line` counts from 1.
 */
export function splitDocuments(bytes: Buffer): { bytes: Buffer; line: number }[] {
  const documents: { bytes: Buffer; line: number }[] = []
  let start = 0
  let line = 1
  let startLine = 1
  for (let at = 0; at < bytes.length; line++) {
    if (at > start && isMarker(bytes, at)) {
      documents.push({ bytes: bytes.subarray(start, at), line: startLine })
      start = at
      startLine = line
    }
    const end = bytes.indexOf(lineFeed, at)
    at = end < 0 ? bytes.length : end + 1
  }
  if (start < bytes.length) documents.push({ bytes: bytes.subarray(start), line: startLine })
  return documents.filter((one) => !isBlank(one.bytes))
}

const lineFeed = 0x0a
const hyphen = 0x2d

function isMarker(bytes: Buffer, at: number): boolean {
  if (bytes[at] !== hyphen || bytes[at + 1] !== hyphen || bytes[at + 2] !== hyphen) return false
  const next = bytes[at + 3]
  return next === undefined || next === 0x20 || next === 0x09 || next === 0x0a || next === 0x0d
}

function isBlank(bytes: Buffer): boolean {
  return (
    /^\s*$/.test(bytes.toString('latin1', 0, Math.min(bytes.length, 100))) && bytes.toString('latin1').trim() === ''
  )
}
