const types: Readonly<Record<string, string>> = {
  deb: 'application/vnd.debian.binary-package',
  udeb: 'application/vnd.debian.binary-package',
  dsc: 'text/plain; charset=utf-8',
  rpm: 'application/x-rpm',
  gz: 'application/gzip',
  xz: 'application/x-xz',
  zst: 'application/zstd',
  bz2: 'application/x-bzip2',
  asc: 'application/pgp-keys',
  gpg: 'application/pgp-signature',
  xml: 'application/xml',
  json: 'application/json',
}
const plainNames = /(?:^|\/)(?:InRelease|Release|Packages|Sources|Translation-[\w@.-]+|Contents-[\w-]+)$/
const byHash = /\/by-hash\//

/** By the last extension. Never a type that a browser runs; a compressed file is that file, never an encoding. */
export function contentTypeOf(path: string): string {
  if (plainNames.test(path)) return 'text/plain; charset=utf-8'
  const extension = byHash.test(path) ? '' : (/\.(\w+)$/.exec(path)?.[1]?.toLowerCase() ?? '')
  return Object.hasOwn(types, extension) ? types[extension]! : 'application/octet-stream'
}
