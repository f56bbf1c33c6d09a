/**
 * Why a package cannot be used, or undefined. Names, versions and architectures become parts of paths and of clauses:
 * they are held to what rpm builds, somewhat widened. Nothing here can be taken for a path or an option.
 */
export function faultOfName(bytes: Buffer, start: number, end: number): string | undefined {
  if (end === start) return 'it has no name'
  const isName = isWord[bytes[start]!] === 1 && areAll(isNamePart, bytes, { start, end })
  return isName ? undefined : 'its name is malformed'
}

export function faultOfArchitecture(bytes: Buffer, start: number, end: number): string | undefined {
  if (end === start) return 'it has no architecture'
  return areAll(isWord, bytes, { start, end }) ? undefined : 'its architecture is malformed'
}

/** `2.0-3.el9`, after the epoch: both version and release, and one hyphen between them. */
export function faultOfVersion(bytes: Buffer, start: number, end: number): string | undefined {
  let hyphen = start
  while (hyphen < end && bytes[hyphen] !== hyphenByte) hyphen++
  const isWhole = hyphen > start && hyphen + 1 < end
  const isVersion =
    isWhole &&
    areAll(isVersionPart, bytes, { start, end: hyphen }) &&
    areAll(isVersionPart, bytes, { start: hyphen + 1, end })
  return isVersion ? undefined : 'its version or release is missing or malformed'
}

const maxWordBytes = 255
const hyphenByte = 0x2d

const alphanumeric = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const isWord = classOf(`${alphanumeric}_`)
const isNamePart = classOf(`${alphanumeric}_.+~^-`)
const isVersionPart = classOf(`${alphanumeric}_.+~^`)

function classOf(members: string): Uint8Array {
  const bytes = new Uint8Array(256)
  for (const member of Buffer.from(members)) bytes[member] = 1
  return bytes
}

function areAll(members: Uint8Array, bytes: Buffer, { start, end }: { start: number; end: number }): boolean {
  if (end - start > maxWordBytes) return false
  for (let at = start; at < end; at++) if (members[bytes[at]!] === 0) return false
  return true
}
