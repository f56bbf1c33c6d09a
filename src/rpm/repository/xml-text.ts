/** Text as it stands between tags and in attributes. Characters that XML 1.0 has no place for become U+FFFD. */
export function xmlText(text: string): string {
  if (!special.test(text)) return text
  const escaped = text.replace(/[&<>"\r]/g, (character) => references[character]!)
  return mayBeForbidden.test(escaped) ? escaped.replace(forbidden, '\ufffd') : escaped
}

/** Text between the quotes of an attribute: a reader turns line ends and tabs there to spaces. */
export function xmlAttribute(text: string): string {
  return xmlText(text).replaceAll('\n', '&#10;').replaceAll('\t', '&#9;')
}

const special = /[&<>"\u0000-\u0008\u000b-\u001f\ufffe\uffff\ud800-\udfff]/
const mayBeForbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\ud800-\udfff]/
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu

const references: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
}
