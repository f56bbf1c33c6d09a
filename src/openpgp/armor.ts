/** What stands between two armour lines in OpenPGP ASCII armour, and in what order they were found. */
export interface ArmorBlock {
  /** `SIGNATURE`, `PUBLIC KEY BLOCK` */
  label: string
  bytes: Buffer
}

/**
 * Finds the armoured blocks of a text; what stands around them is passed over, since files of keys carry comments.
 * A block whose end is missing or whose body is not base64 is `undefined` in place. The checksum, which guards against
 * nothing that the signature does not, is not read. Source: RFC 9580 §6.2.
 */
export function parseArmor(text: string): (ArmorBlock | undefined)[] {
  const blocks: (ArmorBlock | undefined)[] = []
  const lines = text.split('\n').map((line) => line.trimEnd())
  for (let at = 0; at < lines.length; at++) {
    const label = labelOf(lines[at] ?? '', 'BEGIN')
    if (label === undefined) continue
    const end = lines.indexOf(`-----END PGP ${label}-----`, at)
    if (end < 0) return [...blocks, undefined]
    const bytes = decodeBody(lines.slice(at + 1, end))
    blocks.push(bytes === undefined ? undefined : { label, bytes })
    at = end
  }
  return blocks
}

function labelOf(line: string, word: 'BEGIN' | 'END'): string | undefined {
  const prefix = `-----${word} PGP `
  return line.startsWith(prefix) && line.endsWith('-----') ? line.slice(prefix.length, -5) : undefined
}

/** Headers `Name: value` come first; an empty line ends them. */
function decodeBody(lines: string[]): Buffer | undefined {
  const empty = lines.indexOf('')
  const headers = empty < 0 ? [] : lines.slice(0, empty)
  if (!headers.every((line) => /^[A-Za-z-]+: ?/.test(line))) return undefined
  const body = lines.slice(empty + 1).filter((line) => line !== '')
  if (body.at(-1)?.startsWith('=') === true) body.pop()
  const base64 = body.join('')
  if (base64 === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined
  return Buffer.from(base64, 'base64')
}
