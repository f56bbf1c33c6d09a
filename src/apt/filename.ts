import { LarderError } from '../core/index.ts'

/** Longest path, and longest name between two slashes, in UTF-8 bytes. */
const maxPathBytes = 1024
const maxNameBytes = 255

/**
 * Checks a path that an upstream names (`Filename:`, files of a Release) and answers with its plain form: no leading
 * `./`, no doubled slash. What comes back is relative, leads nowhere but down, and is safe to join to a folder. To make
 * a URL of it, encode each segment, `%` too: the path is literal.
 *
 * @throws APT_FILENAME_REFUSED
 */
export function checkFilename(text: string): string {
  const fault = faultOf(text)
  if (fault !== undefined) throw refused(text, fault)
  const names = text.split('/').filter((name) => name !== '' && name !== '.')
  const nameFault =
    names.length === 0 ? 'it names no file' : names.map(faultOfName).find((found) => found !== undefined)
  if (nameFault !== undefined) throw refused(text, nameFault)
  if (looksLikeScheme(names[0] ?? '')) throw refused(text, 'it looks like a URL')
  return names.join('/')
}

/** Whether `checkFilename` accepts it. */
export function isSafeFilename(text: string): boolean {
  try {
    checkFilename(text)
    return true
  } catch (error) {
    if (error instanceof LarderError) return false
    throw error
  }
}

function faultOf(text: string): string | undefined {
  if (text === '') return 'it is empty'
  if (text.length > maxPathBytes || Buffer.byteLength(text) > maxPathBytes) return `it is over ${maxPathBytes} bytes`
  if (text.startsWith('/')) return 'it is absolute'
  if (text.endsWith('/')) return 'it ends in a slash'
  if (text.includes('\\')) return 'it holds a backslash'
  if (unprintable.test(text)) return 'it holds a control or formatting character'
  if (!text.isWellFormed()) return 'it is not valid Unicode'
  return undefined
}

/** C0 and C1 controls, line separators, and what turns the direction of text. */
const unprintable = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffd]/

function faultOfName(name: string): string | undefined {
  if (name === '..') return 'it leads upwards'
  if (Buffer.byteLength(name) > maxNameBytes) return `a name in it is over ${maxNameBytes} bytes`
  if (name !== name.trim()) return 'a name in it begins or ends with a blank'
  for (const [index, part] of name.split('%').entries()) {
    if (index > 0 && !harmlessEscape.test(part)) return 'a percent sign in it could be read as another path'
  }
  return undefined
}

/** `%3a` of an epoch and its like: pairs of hex digits for anything but controls, `%`, `.`, `/` and backslash. */
const harmlessEscape = /^(?:2[0-46-9abcd]|[346][0-9a-f]|5[0-9abdef]|7[0-9abcde]|[89a-f][0-9a-f])/i

function looksLikeScheme(name: string): boolean {
  return /^[a-z][a-z0-9+.-]*:/i.test(name)
}

function refused(text: string, fault: string): LarderError {
  const shown = text.length > 120 ? `${text.slice(0, 120)}…` : text
  return new LarderError('APT_FILENAME_REFUSED', {
    message: `The path ${JSON.stringify(shown)} is refused: ${fault}.`,
    context: { path: shown },
  })
}
