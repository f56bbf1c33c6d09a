/** Fields by name in small letters; lines that go on are joined by line feeds. */
export type Stanza = ReadonlyMap<string, string>

/** Reads `Name: value` lines, parted by empty ones. Whatever is of no such form is passed over. Source: deb822(5). */
export function* parseStanzas(text: string): Generator<Stanza> {
  let fields = new Map<string, string>()
  let last: string | undefined
  for (const line of linesOf(text)) {
    if (line.trim() === '') {
      if (fields.size > 0) yield fields
      fields = new Map()
      last = undefined
    } else if (line.startsWith(' ') || line.startsWith('\t')) {
      if (last !== undefined) fields.set(last, `${fields.get(last) ?? ''}\n${line.trim()}`)
    } else {
      const colon = line.indexOf(':')
      if (colon <= 0) continue
      last = line.slice(0, colon).toLowerCase()
      if (!fields.has(last)) fields.set(last, line.slice(colon + 1).trim())
    }
  }
  if (fields.size > 0) yield fields
}

function* linesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length;) {
    const found = text.indexOf('\n', at)
    const end = found < 0 ? text.length : found
    yield text.slice(at, text[end - 1] === '\r' ? end - 1 : end)
    at = end + 1
  }
}
