/**
 * Why a package cannot be used, or undefined. Names, versions and architectures become parts of paths and of clauses:
 * they are held to what rpm builds, somewhat widened. Nothing here can be taken for a path or an option.
 */
export function faultOfName(name: Buffer): string | undefined {
  if (name.length === 0) return 'it has no name'
  return name.length <= maxWordBytes && isName.test(name.toString('latin1')) ? undefined : 'its name is malformed'
}

export function faultOfArchitecture(architecture: Buffer): string | undefined {
  if (architecture.length === 0) return 'it has no architecture'
  const isWord = architecture.length <= maxWordBytes && /^[A-Za-z0-9_]+$/.test(architecture.toString('latin1'))
  return isWord ? undefined : 'its architecture is malformed'
}

/** `1:2.0-3.el9`: both version and release, and one hyphen between them. */
export function faultOfEvr(evr: Buffer): string | undefined {
  const isEvr = evr.length <= maxWordBytes && isWholeEvr.test(evr.toString('latin1'))
  return isEvr ? undefined : 'its version or release is missing or malformed'
}

const maxWordBytes = 255
const isName = /^[A-Za-z0-9_][\w.+~^-]*$/
const isWholeEvr = /^(?:\d+:)?[A-Za-z0-9_.+~^]+-[A-Za-z0-9_.+~^]+$/
