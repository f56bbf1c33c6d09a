/** By byte: 1 where the byte is one. Bytes of 0x80 and more are parts of characters, all of which may be in names. */
export const isSpace = classOf([0x20, 0x09, 0x0a, 0x0d])

const letters = [...Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_:')]
const beyondAscii = Array.from({ length: 0x80 }, (_, index) => 0x80 + index)
export const isNameStart = classOf([...letters, ...beyondAscii])
export const isName = classOf([...letters, ...beyondAscii, ...Buffer.from('0123456789-.')])

/** What text is passed over by: all but `<`, `>` and `&`. */
export const isPlain = new Uint8Array(256).fill(1)
for (const special of [0x3c, 0x3e, 0x26]) isPlain[special] = 0

function classOf(members: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(256)
  for (const member of members) bytes[member] = 1
  return bytes
}
