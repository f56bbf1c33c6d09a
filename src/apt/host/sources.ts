import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseDeb822Sources } from './deb822-sources.ts'
import type { HostSource, SourceSurroundings } from './host-source.ts'
import { parseOneLineSources } from './one-line-sources.ts'

export type { HostSource, SignedBy } from './host-source.ts'

export interface HostSourcesOptions {
  /** Folder that holds `etc/apt`. Default: `/`. Paths in Signed-By are taken as written, as apt does. */
  root?: string
  /** What stands for `$(ARCH)`. Default: `amd64`; readAptConfig knows that of the host. */
  architecture?: string
  /** Default: only `architecture`. */
  architectures?: readonly string[]
}

/**
 * Every enabled source of this host, in the order in which apt reads them: sources.list, then sources.list.d by name.
 * Empty when the host has no APT. Source: sources.list(5).
 *
 * @throws APT_SOURCES_MALFORMED with file and line
 */
export async function readHostSources(options: HostSourcesOptions = {}): Promise<HostSource[]> {
  const folder = join(options.root ?? '/', 'etc/apt')
  const architecture = options.architecture ?? 'amd64'
  const surroundings: SourceSurroundings = {
    architecture,
    architectures: options.architectures ?? [architecture],
    defaultKeyrings: await listDefaultKeyrings(folder),
  }
  const paths = [
    join(folder, 'sources.list'),
    ...(await listFolder(join(folder, 'sources.list.d'), ['list', 'sources'])),
  ]
  const sources: HostSource[] = []
  for (const path of paths) {
    const bytes = await readIfThere(path)
    if (bytes === undefined) continue
    const parse = path.endsWith('.sources') ? parseDeb822Sources : parseOneLineSources
    sources.push(...parse(bytes, path, surroundings))
  }
  return sources
}

async function listDefaultKeyrings(folder: string): Promise<string[]> {
  const single = join(folder, 'trusted.gpg')
  const bytes = await readIfThere(single)
  const parts = await listFolder(join(folder, 'trusted.gpg.d'), ['gpg', 'asc'])
  return bytes === undefined || bytes.length === 0 ? parts : [single, ...parts]
}

/** Files that apt would read: named by letters, digits, `_`, `-`, `.` and `:` alone, not hidden, in byte order. */
async function listFolder(folder: string, extensions: readonly string[]): Promise<string[]> {
  const entries = await orIfMissing(readdir(folder, { withFileTypes: true }), [])
  return entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => entry.name)
    .filter((name) => /^[A-Za-z0-9_:-][A-Za-z0-9_.:-]*$/.test(name))
    .filter((name) => extensions.some((extension) => name.endsWith(`.${extension}`)))
    .sort((a, b) => (a < b ? -1 : 1))
    .map((name) => join(folder, name))
}

function readIfThere(path: string): Promise<Buffer | undefined> {
  return orIfMissing<Buffer | undefined>(readFile(path), undefined)
}

async function orIfMissing<Value>(reading: Promise<Value>, fallback: Value): Promise<Value> {
  try {
    return await reading
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return fallback
    throw error
  }
}
