/** A tag as it is written. */
export interface WrittenTag {
  kind: 'open' | 'close' | 'empty'
  name: string
  /** What stands between the name and the end of the tag. */
  attributes: string
  /** After the `>`. */
  end: number
}

/**
 * The tag that begins at `<`; undefined when it is none, or has an attribute twice. A regular expression takes five
 * times as long.
 */
export function readTag(text: string, start: number): WrittenTag | undefined {
  const isClose = text.charCodeAt(start + 1) === slash
  const nameStart = start + (isClose ? 2 : 1)
  const nameEnd = endOfName(text, nameStart)
  if (nameEnd === nameStart) return undefined
  const after = endOfAttributes(text, nameEnd)
  if (after === undefined) return undefined
  const isEmpty = text.charCodeAt(after) === slash
  const end = after + (isEmpty ? 2 : 1)
  if (text.charCodeAt(end - 1) !== angle || (isClose && (isEmpty || after !== skipSpace(text, nameEnd))))
    return undefined
  return {
    kind: isClose ? 'close' : isEmpty ? 'empty' : 'open',
    name: text.slice(nameStart, nameEnd),
    attributes: text.slice(nameEnd, after),
    end,
  }
}

const [slash, angle, equals, colon] = [0x2f, 0x3e, 0x3d, 0x3a]

/** Where the attributes and the space behind them end. */
function endOfAttributes(text: string, start: number): number | undefined {
  const names: string[] = []
  for (let at = start; ;) {
    const nameStart = skipSpace(text, at)
    const nameEnd = endOfName(text, nameStart)
    if (nameEnd === nameStart) return nameStart
    const name = text.slice(nameStart, nameEnd)
    if (nameStart === at || names.includes(name)) return undefined
    names.push(name)
    const end = endOfValue(text, nameEnd)
    if (end === undefined) return undefined
    at = end
  }
}

function endOfValue(text: string, start: number): number | undefined {
  const sign = skipSpace(text, start)
  if (text.charCodeAt(sign) !== equals) return undefined
  const open = skipSpace(text, sign + 1)
  const quote = text[open]
  if (quote !== '"' && quote !== "'") return undefined
  const close = text.indexOf(quote, open + 1)
  if (close < 0 || text.slice(open, close).includes('<')) return undefined
  return close + 1
}

function skipSpace(text: string, start: number): number {
  let at = start
  for (;;) {
    const code = text.charCodeAt(at)
    if (code !== 0x20 && code !== 0x0a && code !== 0x09 && code !== 0x0d) return at
    at++
  }
}

/** ASCII alone; at most one colon, with something on both sides. */
function endOfName(text: string, start: number): number {
  if (!isNameStart(text.charCodeAt(start))) return start
  let at = start + 1
  while (isNameCharacter(text.charCodeAt(at))) at++
  if (text.charCodeAt(at) !== colon || !isNameStart(text.charCodeAt(at + 1))) return at
  at += 2
  while (isNameCharacter(text.charCodeAt(at))) at++
  return at
}

function isNameStart(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x5f
}

/** A hyphen, a point or a digit too. */
function isNameCharacter(code: number): boolean {
  return isNameStart(code) || (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x2e
}
