import { hexOf, type Digest, LarderError } from '../../core/index.ts'

/**
 * The stanza as we publish it: the upstream's bytes, with another `Filename` where the package lies elsewhere and
 * a `SHA256` where the upstream had a stronger hash only. Every other byte is kept, whatever the field; the stanza
 * ends with one newline.
 *
 * @throws SIZE_MISMATCH, DIGEST_MISMATCH when the stanza promises another file than the one in the store
 */
export function publishStanza(
  stanza: Buffer,
  file: { path: string; sizeBytes: number; digest: Digest; name: string },
): Buffer {
  const bytes = withoutTrailingBlank(stanza)
  const exact =
    bytes.includes(`\nFilename: ${file.path}\n`, 0, 'latin1') &&
    bytes.includes(`\nSHA256: ${hexOf(file.digest)}\n`, 0, 'latin1') &&
    bytes.includes(`\nSize: ${file.sizeBytes}\n`, 0, 'latin1')
  return exact ? bytes : rewrite(bytes, file)
}

function rewrite(bytes: Buffer, file: { path: string; sizeBytes: number; digest: Digest; name: string }): Buffer {
  // Latin-1 maps every byte to one character and back.
  const fields = splitFields(bytes.toString('latin1'))
  for (const { key, value } of fields) {
    if (key === 'size') expectSame('SIZE_MISMATCH', file, value, String(file.sizeBytes))
    if (key === 'sha256') expectSame('DIGEST_MISMATCH', file, value.toLowerCase(), hexOf(file.digest))
  }
  const rewritten = fields.map(({ key, value, text }) =>
    key === 'filename' && value !== file.path ? `Filename: ${file.path}\n` : text,
  )
  const keys = new Set(fields.map(({ key }) => key))
  if (!keys.has('filename')) rewritten.push(`Filename: ${file.path}\n`)
  if (!keys.has('sha256')) rewritten.push(`SHA256: ${hexOf(file.digest)}\n`)
  return Buffer.from(rewritten.join(''), 'latin1')
}

/** Each field with its continuation lines; `text` of all of them together is the stanza. */
export function splitFields(stanza: string): { key: string; value: string; text: string }[] {
  return (stanza.match(/[^\n]*\n(?:[ \t][^\n]*\n)*/g) ?? []).map((text) => {
    const colon = text.indexOf(':')
    return { key: text.slice(0, colon).trimEnd().toLowerCase(), value: text.slice(colon + 1).trim(), text }
  })
}

/** Cut behind the last byte that is no line end, and exactly one newline added. */
export function withoutTrailingBlank(stanza: Buffer): Buffer {
  let end = stanza.length
  while (end > 0 && (stanza[end - 1] === 0x0a || stanza[end - 1] === 0x0d)) end--
  if (end < stanza.length && stanza[end] === 0x0a) return stanza.subarray(0, end + 1)
  return Buffer.concat([stanza.subarray(0, end), Buffer.from('\n')])
}

function expectSame(
  code: 'SIZE_MISMATCH' | 'DIGEST_MISMATCH',
  file: { path: string; name: string },
  promised: string,
  stored: string,
): void {
  if (promised === stored) return
  throw new LarderError(code, {
    message: `The index entry of ${file.name} promises ${promised}, but ${file.path} in the store is ${stored}.`,
    hint: 'Sync the mirror again: the upstream has probably changed since the package was fetched.',
    context: { package: file.name, promised, stored },
  })
}
