/** Text as it stands between tags and in attributes. Characters that XML 1.0 has no place for become U+FFFD. */
export function xmlText(text: string): string {
  return special.test(text) ? text.replace(/[^]/gu, escaped) : text
}

/** What the start of `<name a="b" …` holds after the name; undefined values are left out. */
export function xmlAttributes(attributes: Record<string, string | number | undefined>): string {
  let all = ''
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) all += ` ${name}="${xmlAttribute(String(value))}"`
  }
  return all
}

export const replacementCharacter = '\ufffd'

const special = /[&<>"\u0000-\u0008\u000b-\u001f\ufffe\uffff\ud800-\udfff]/

const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u

const references = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ['\r', '&#13;'],
])

function escaped(character: string): string {
  return references.get(character) ?? (forbidden.test(character) ? replacementCharacter : character)
}

/** A reader turns line ends in attributes to spaces. */
function xmlAttribute(value: string): string {
  return xmlText(value).replaceAll('\n', '&#10;').replaceAll('\t', '&#9;')
}
