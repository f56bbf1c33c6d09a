/** One line of at most so many characters (Unicode code points); what was cut ends with an ellipsis. */
export function cutLine(text: string, most: number): string {
  const line = text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim()
  const characters = Array.from(line.slice(0, 2 * most + 2))
  return characters.length <= most ? line : `${characters.slice(0, most - 1).join('')}…`
}

/** Text of at most so many bytes of UTF-8, never with half a character; what was cut ends with an ellipsis. */
export function cutBytes(text: string, mostBytes: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= mostBytes) return text
  let end = mostBytes - ellipsisBytes
  // 10xxxxxx: inside a character.
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--
  return `${bytes.subarray(0, end).toString()}…`
}

const ellipsisBytes = 3
