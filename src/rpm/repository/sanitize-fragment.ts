/**
 * Takes out of a fragment (one character for each byte of UTF-8) what XML has no place for, since clients refuse the
 * whole file for one such character; and comments, processing instructions and CDATA sections, which only some of
 * them read. What has none of these stays as it is.
 */
export function sanitizeFragment(text: string): string {
  let clean = text
  if (clean.includes('<!') || clean.includes('<?')) clean = withoutMarkup(clean)
  if (forbiddenBytes.test(clean)) clean = clean.replace(everyForbidden, replacement)
  return clean.includes('&#') ? clean.replace(/&#(?:x([0-9A-Fa-f]+)|([0-9]+));/g, allowedReference) : clean
}

/** U+FFFD in UTF-8, a character for each byte. */
const replacement = '\u00ef\u00bf\u00bd'

/** Control characters, U+FFFE and U+FFFF. */

const forbiddenBytes = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]|\u00ef\u00bf[\u00be\u00bf]/
const everyForbidden = new RegExp(forbiddenBytes, 'g')

function withoutMarkup(text: string): string {
  return text
    .replace(/<!--[^]*?-->|<\?[^]*?\?>/g, '')
    .replace(/<!\[CDATA\[([^]*?)\]\]>/g, (_, content: string) =>
      content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
    )
}

function allowedReference(whole: string, hex: string | undefined, decimal: string | undefined): string {
  const code = hex === undefined ? Number(decimal) : parseInt(hex, 16)
  const isAllowed =
    code === 9 ||
    code === 10 ||
    code === 13 ||
    (code >= 0x20 && code < 0xd800) ||
    (code > 0xdfff && code < 0xfffe) ||
    (code > 0xffff && code <= 0x10ffff)
  return isAllowed ? whole : replacement
}
