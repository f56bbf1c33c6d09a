/** A file of a source package, as its stanza promises it. */
export interface PromisedFile {
  /** Without folder. */
  name: string
  sizeBytes: number
  /** Lower-case hex. */
  sha256: string
}

/** Files that a stanza of a Sources index promises, in its order; those whose line is malformed are left out. */
export function checksumsOf(stanza: Buffer): PromisedFile[] {
  const match = /^checksums-sha256:([^\n]*(?:\n[ \t][^\n]*)*)/im.exec(stanza.toString('latin1'))
  return readChecksums(match?.[1] ?? '').flatMap(({ name, sizeBytes, sha256, fault }) =>
    fault === undefined ? [{ name, sizeBytes, sha256 }] : [],
  )
}

/** Reads the lines `<hash> <size> <name>` of Checksums-Sha256. */
export function readChecksums(text: string): (PromisedFile & { fault?: string })[] {
  const lines = text.split('\n').map((line) => line.trim())
  return lines.filter((line) => line !== '').map(readChecksum)
}

function readChecksum(line: string): PromisedFile & { fault?: string } {
  const match = /^([0-9a-fA-F]{64})\s+(\d{1,15})\s+([\w.+~:%-]+)$/.exec(line)
  const [, sha256, size, name] = match ?? []
  if (sha256 === undefined || size === undefined || name === undefined || name.startsWith('.')) {
    const fault = `a line of Checksums-Sha256 is malformed: ${line.slice(0, 120)}`
    return { name: '', sizeBytes: 0, sha256: '', fault }
  }
  return { name, sizeBytes: Number(size), sha256: sha256.toLowerCase() }
}
