import { LarderError } from '../core/index.ts'
import { parseArmor } from './armor.ts'

export interface Cleartext {
  /** What was signed: dash-escapes and blanks at line ends taken away, lines joined by LF, none after the last. */
  text: Buffer
  /** OpenPGP packets of the signature blocks. */
  signatures: Buffer
}

const begin = '-----BEGIN PGP SIGNED MESSAGE-----'
const beginSignature = '-----BEGIN PGP SIGNATURE-----'
const endSignature = '-----END PGP SIGNATURE-----'

/**
 * Takes a cleartext-signed file apart. Strict, so that no byte is taken for signed that is not: nothing but blank
 * lines may stand before, between or after, no header but `Hash`, no line that begins with a lone dash.
 * Source: RFC 9580 §7, and what apt refuses.
 *
 * @throws SIGNATURE_MISSING when it does not begin as a signed message or has no signature block,
 *   SIGNATURE_BAD when the framework is malformed
 */
export function parseCleartext(bytes: Uint8Array): Cleartext {
  const lines = Buffer.from(bytes).toString('latin1').split('\n')
  let at = lines.findIndex((line) => line.trim() !== '')
  if (at < 0 || trimEnd(lines[at] ?? '') !== begin) throw unsigned('it does not begin as a signed message')
  for (at++; trimEnd(lines[at] ?? '') !== ''; at++) {
    if (!/^Hash: [\w, -]+$/.test(trimEnd(lines[at] ?? ''))) throw bad('it has a header other than Hash', at)
  }
  const textStart = at + 1
  const textEnd = lines.findIndex((line, index) => index >= textStart && trimEnd(line) === beginSignature)
  if (textEnd < 0) throw unsigned('its signature is missing')
  const text = lines.slice(textStart, textEnd).map((line, index) => unescapeLine(line, textStart + index))
  return { text: Buffer.from(text.join('\n'), 'latin1'), signatures: readSignatures(lines, textEnd) }
}

function unescapeLine(line: string, at: number): string {
  if (!line.startsWith('-')) return trimEnd(line)
  if (!line.startsWith('- ')) throw bad('a line of its text begins with a dash that is not escaped', at)
  return trimEnd(line.slice(2))
}

/** One block after the other to the end of the file. */
function readSignatures(lines: string[], from: number): Buffer {
  const blocks: Buffer[] = []
  for (let at = from; at < lines.length; at++) {
    const line = trimEnd(lines[at] ?? '')
    if (line === '') continue
    if (line !== beginSignature) throw bad('something stands outside the signed text', at)
    const end = lines.findIndex((other, index) => index > at && trimEnd(other) === endSignature)
    if (end < 0) throw bad('its signature breaks off', at)
    const [block] = parseArmor(lines.slice(at, end + 1).join('\n'))
    if (block === undefined) throw bad('the armour of its signature is damaged', at)
    blocks.push(block.bytes)
    at = end
  }
  return Buffer.concat(blocks)
}

/** The blanks that a cleartext signature does not cover. */
function trimEnd(line: string): string {
  let end = line.length
  while (end > 0 && ' \t\r'.includes(line.charAt(end - 1))) end--
  return line.slice(0, end)
}

function unsigned(fault: string): LarderError {
  return new LarderError('SIGNATURE_MISSING', {
    message: `The InRelease file carries no signature: ${fault}.`,
    hint: 'Unsigned repositories are not mirrored. A captive portal or proxy may have answered in place of the upstream.',
  })
}

function bad(fault: string, at: number): LarderError {
  return new LarderError('SIGNATURE_BAD', {
    message: `The InRelease file is not a well-formed signed message: ${fault} (line ${at + 1}).`,
    context: { line: at + 1 },
  })
}
