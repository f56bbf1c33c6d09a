/**
 * Addresses of copies of a repository, one a line, in the order of the list. Comments (`#`), empty lines and lines that
 * hold no address at all are left out, as dnf does: a server that has no list tends to answer with prose.
 */
export function parseMirrorlist(bytes: Uint8Array): string[] {
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString('utf8')
    .split(/\r\n|\r|\n/)
  const addresses = lines.map((line) => line.trim()).filter((line) => /^[a-z][a-z0-9+.-]*:\/\/[^\s<>"]+$/i.test(line))
  return [...new Set(addresses)]
}
