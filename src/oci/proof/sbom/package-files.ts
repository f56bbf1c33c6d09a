import { parseApkInstalled } from './apk-installed.ts'
import { parseDpkgStatus } from './dpkg-status.ts'
import type { InstalledPackage } from './installed-package.ts'
import { parseNpmPackage } from './npm-package.ts'
import { parsePythonMetadata } from './python-metadata.ts'

/** Files that tell of packages. `rpm-old`: a database in a form that is not read. */
export type FileKind = 'dpkg' | 'apk' | 'npm' | 'python' | 'rpm' | 'rpm-old' | 'os'

/** What a file tells that is read as text. */
export const parsers: Record<'dpkg' | 'apk' | 'npm' | 'python', (text: string) => InstalledPackage[]> = {
  dpkg: parseDpkgStatus,
  apk: parseApkInstalled,
  npm: parseNpmPackage,
  python: parsePythonMetadata,
}

const mebibyte = 1024 * 1024

/** Larger ones are left out, which is told. */
export const maxFileBytes: Record<FileKind, number> = {
  dpkg: 64 * mebibyte,
  apk: 64 * mebibyte,
  npm: mebibyte,
  python: mebibyte,
  rpm: 1024 * mebibyte,
  'rpm-old': 0,
  os: 64 * 1024,
}

/** By its path in the root, without a leading slash. */
export function fileKindOf(path: string): FileKind | undefined {
  const slash = path.lastIndexOf('/')
  const name = path.slice(slash + 1)
  const folder = path.slice(0, Math.max(slash, 0))
  const rule = rules.get(name) ?? otherRule(name)
  return rule?.folder.test(folder) === true ? rule.kind : undefined
}

function otherRule(name: string): Rule | undefined {
  if (name.endsWith('.egg-info')) return eggInfo
  return name.endsWith('.md5sums') ? undefined : statusOfOne
}

interface Rule {
  kind: FileKind
  folder: RegExp
}

const eggInfo: Rule = { kind: 'python', folder: /^/ }
const statusOfOne: Rule = { kind: 'dpkg', folder: /^var\/lib\/dpkg\/status\.d$/ }
const rpmFolder = /^(?:var\/lib\/rpm|usr\/lib\/sysimage\/rpm|usr\/share\/rpm)$/

/** By the name of the file; `folder`: where it must be. */
const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['status', { kind: 'dpkg', folder: /^var\/lib\/dpkg$/ }],
  ['installed', { kind: 'apk', folder: /^(?:usr\/)?lib\/apk\/db$/ }],
  // A package itself, not what it has inside.
  ['package.json', { kind: 'npm', folder: /(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/@.][^/]*$/ }],
  ['METADATA', { kind: 'python', folder: /\.dist-info$/ }],
  ['PKG-INFO', { kind: 'python', folder: /\.egg-info$/ }],
  ['rpmdb.sqlite', { kind: 'rpm', folder: rpmFolder }],
  ['rpmdb.sqlite-wal', { kind: 'rpm', folder: rpmFolder }],
  ['Packages', { kind: 'rpm-old', folder: rpmFolder }],
  ['Packages.db', { kind: 'rpm-old', folder: rpmFolder }],
  ['os-release', { kind: 'os', folder: /^(?:etc|usr\/lib)$/ }],
])
