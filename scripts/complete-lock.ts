/**
 * Adds to package-lock.json the builds for other platforms that npm left out.
 *
 * Why: npm drops an optional dependency from the lock file when the registry that it was asked at did not have
 * it (a mirror that lags), and then `npm ci` refuses the lock file everywhere. The version is exact in the package
 * that wants it, and the platform is in its name, so the entry can be written without asking a registry. It has no
 * `integrity`; npm fills that in the next time it resolves the package on such a platform.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

interface LockEntry {
  version?: string
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  [key: string]: unknown
}
export interface LockFile {
  packages: Record<string, LockEntry>
}

/** Optional dependencies that have no entry: name, exact version wanted, who wants it. */
export function missingFromLock(lock: LockFile): { name: string; version: string; wantedBy: string }[] {
  const missing = []
  for (const [wantedBy, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (!isResolved(lock, wantedBy, name)) missing.push({ name, version, wantedBy })
    }
  }
  return missing
}

/** Node's lookup: the nearest `node_modules` going up. */
function isResolved(lock: LockFile, from: string, name: string): boolean {
  for (let folder = from; ; folder = folder.slice(0, Math.max(folder.lastIndexOf('/node_modules/'), 0))) {
    if (`${folder === '' ? '' : `${folder}/`}node_modules/${name}` in lock.packages) return true
    if (folder === '') return false
  }
}

const platformName = /[-/](?<os>[a-z0-9]+)-(?<cpu>arm64|arm|x64|ia32|ppc64|riscv64|s390x)(?:-(?<abi>[a-z]+))?$/

function platformEntry(version: string, name: string): LockEntry {
  const platform = platformName.exec(name)?.groups
  if (platform === undefined || !/^\d+\.\d+\.\d+$/.test(version)) {
    throw new Error(
      `${name}@${version} is missing from package-lock.json and is no build for a platform: add it with npm`,
    )
  }
  const libc = platform['abi'] === 'gnu' ? ['glibc'] : platform['abi'] === 'musl' ? ['musl'] : undefined
  return {
    version,
    cpu: [platform['cpu']],
    dev: true,
    ...(libc === undefined ? {} : { libc }),
    optional: true,
    os: [platform['os']],
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const path = new URL('../package-lock.json', import.meta.url)
  const lock = JSON.parse(readFileSync(path, 'utf8')) as LockFile
  const missing = missingFromLock(lock)
  for (const { name, version } of missing) lock.packages[`node_modules/${name}`] = platformEntry(version, name)
  const byName = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en'))
  writeFileSync(path, `${JSON.stringify({ ...lock, packages: Object.fromEntries(byName) }, null, 2)}\n`)
  console.log(`${missing.length} entries added to package-lock.json`)
}
