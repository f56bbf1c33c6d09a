/**
 * A license in the words of a package, when they are an SPDX expression of identifiers that are known here; undefined
 * otherwise: an expression with an unknown identifier would make the document invalid. Source: SPDX 2.3, annex D.
 */
export function licenseExpression(words: string | undefined): string | undefined {
  if (words === undefined || words.length > 1000) return undefined
  const tokens = words.match(/[()]|[^\s()]+/g) ?? []
  const end = readAlternatives(tokens, 0)
  return end === tokens.length ? tokens.join(' ').replace(/\( /g, '(').replace(/ \)/g, ')') : undefined
}

/** Place behind what was read, or undefined. AND binds more tightly than OR, which makes no difference to what is valid. */
function readAlternatives(tokens: readonly string[], start: number, depth = 0): number | undefined {
  let at = readOne(tokens, start, depth)
  while (at !== undefined && (tokens[at] === 'AND' || tokens[at] === 'OR')) at = readOne(tokens, at + 1, depth)
  return at
}

function readOne(tokens: readonly string[], at: number, depth: number): number | undefined {
  const token = tokens[at]
  if (token === '(') {
    const end = depth < 20 ? readAlternatives(tokens, at + 1, depth + 1) : undefined
    return end !== undefined && tokens[end] === ')' ? end + 1 : undefined
  }
  if (token === undefined || !licenses.has(token)) return undefined
  if (tokens[at + 1] !== 'WITH') return at + 1
  return exceptions.has(tokens[at + 2] ?? '') ? at + 3 : undefined
}

/** Identifiers of the SPDX license list that packages carry most. */
const licenses: ReadonlySet<string> = new Set(
  (
    '0BSD AFL-2.1 AGPL-3.0 AGPL-3.0-only AGPL-3.0-or-later Apache-1.1 Apache-2.0 Artistic-1.0-Perl Artistic-2.0 ' +
    'BSD-2-Clause BSD-3-Clause BSD-4-Clause BSL-1.0 BlueOak-1.0.0 CC-BY-3.0 CC-BY-4.0 CC-BY-SA-4.0 CC0-1.0 EPL-1.0 ' +
    'EPL-2.0 FTL GFDL-1.1-or-later GFDL-1.2-or-later GFDL-1.3-or-later GPL-1.0-or-later GPL-2.0 GPL-2.0+ ' +
    'GPL-2.0-only GPL-2.0-or-later GPL-3.0 GPL-3.0+ GPL-3.0-only GPL-3.0-or-later HPND ICU IJG ISC LGPL-2.0-only ' +
    'LGPL-2.0-or-later LGPL-2.1 LGPL-2.1+ LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0 LGPL-3.0+ LGPL-3.0-only ' +
    'LGPL-3.0-or-later Libpng MIT MIT-0 MPL-1.1 MPL-2.0 NCSA OFL-1.1 OLDAP-2.8 OpenSSL PHP-3.01 PSF-2.0 PostgreSQL ' +
    'Python-2.0 Ruby SSH-OpenSSH Sleepycat TCL UPL-1.0 Unicode-DFS-2016 Unlicense Vim W3C WTFPL X11 ZPL-2.1 Zlib ' +
    'blessing bzip2-1.0.6 curl libtiff'
  ).split(' '),
)
const exceptions: ReadonlySet<string> = new Set(
  (
    'Autoconf-exception-3.0 Bison-exception-2.2 Classpath-exception-2.0 Font-exception-2.0 GCC-exception-2.0 ' +
    'GCC-exception-3.1 LLVM-exception Libtool-exception Linux-syscall-note'
  ).split(' '),
)
