/** Which grammars a byte may stand in; bits may be joined. */
export const ByteClass = {
  name: 1,
  version: 2,
  architecture: 4,
  path: 8,
  digit: 16,
  alphanumeric: 32,
  hex: 64,
} as const

/** True when bytes `[start, end)` are one or more bytes of the class. */
export function isAllOf(bytes: Uint8Array, start: number, end: number, wanted: number): boolean {
  if (end <= start) return false
  for (let i = start; i < end; i++) if ((classes[bytes[i]!]! & wanted) === 0) return false
  return true
}

export function isOneOf(byte: number, wanted: number): boolean {
  return (classes[byte]! & wanted) !== 0
}

const classes = new Uint8Array(256)
const mark = (characters: string, bits: number): void => {
  for (const character of characters) classes[character.charCodeAt(0)]! |= bits
}

const { name, version, architecture, path, digit, alphanumeric, hex } = ByteClass
for (let code = 0x21; code < 0x7f; code++) classes[code]! |= path
classes['\\'.charCodeAt(0)]! &= ~path
mark('0123456789', name | version | architecture | digit | alphanumeric | hex)
mark('abcdefghijklmnopqrstuvwxyz', name | version | architecture | alphanumeric)
mark('ABCDEFGHIJKLMNOPQRSTUVWXYZ', name | version | architecture | alphanumeric)
mark('abcdefABCDEF', hex)
mark('+-._', name)
mark('+-.~:', version)
mark('-_', architecture)
