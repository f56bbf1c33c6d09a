import { ownValue } from '../../core/index.ts'
import { decompress, type CompressionFormat } from '../../unpack/index.ts'
import { readArMembers, type ArMember } from './ar.ts'
import { malformed, readRange, type DebSource } from './deb-source.ts'
import { sortByBytes } from './sort-by-bytes.ts'
import { readTar, type TarEntry } from './tar.ts'

/**
 * The control file of a package, as its maintainer wrote it. Source: deb(5).
 *
 * @throws APT_DEB_MALFORMED, DECOMPRESS_FAILED, DECOMPRESS_BOMB (control archive above 64 MiB), BLOB_MISSING
 */
export async function readDebControl(source: DebSource, signal: AbortSignal): Promise<Buffer> {
  const { control } = await membersOf(source)
  const options = { signal, maxBytes: mostControlBytes, keep: (path: string) => path === 'control' }
  let found: Buffer | undefined
  for await (const { content } of readArchive(source, control, options)) {
    if (content === undefined) continue
    if (found !== undefined) throw malformed(source.label, 'it has two control files')
    found = content
  }
  if (found === undefined) throw malformed(source.label, 'it has no control file')
  return found
}

/**
 * Paths of all that the package installs, but folders, sorted by bytes and each once, without a leading `/`. Paths
 * with a line end are left out: no index of files can hold them.
 *
 * @throws as readDebControl; DECOMPRESS_BOMB above 16 GiB, or when the paths alone exceed 64 MiB APT_DEB_MALFORMED
 */
export async function readDebFiles(source: DebSource, signal: AbortSignal): Promise<string[]> {
  const { data } = await membersOf(source)
  return collectPaths(readArchive(source, data, { signal, maxBytes: mostDataBytes }), source.label)
}

/** Of an archive of data, as readDebFiles has them. */
export async function collectPaths(entries: AsyncIterable<TarEntry>, label: string): Promise<string[]> {
  const paths = new Set<string>()
  let pathBytes = 0
  for await (const { kind, path } of entries) {
    if (kind === 'folder' || path === '' || /[\r\n]/.test(path)) continue
    pathBytes += path.length
    if (pathBytes > mostPathBytes) throw malformed(label, 'its paths are too long altogether')
    paths.add(path)
  }
  return sortByBytes([...paths])
}

const mostControlBytes = 64 * 1024 * 1024
const mostDataBytes = 16 * 1024 ** 3
const mostPathBytes = 64 * 1024 * 1024

/** APT_DEB_MALFORMED. */
export async function membersOf(source: DebSource): Promise<{ control: ArMember; data: ArMember }> {
  const fail = (why: string): Error => malformed(source.label, why)
  const all = await readArMembers(source)
  const [first] = all
  if (first?.name !== 'debian-binary' || first.end - first.start > 100)
    throw fail('debian-binary is not its first member')
  const version = (await readRange(source, first)).toString('latin1')
  if (!/^2\.[0-9]+\n/.test(version)) throw fail('it is of a format other than 2.x')
  // Members whose names begin with an underscore may stand between and are to be ignored.
  const [control, data] = all.slice(1).filter((member) => !member.name.startsWith('_'))
  if (!control?.name.startsWith('control.tar') || !data?.name.startsWith('data.tar')) {
    throw fail('control.tar and data.tar are not its next members')
  }
  return { control, data }
}

async function* readArchive(
  source: DebSource,
  member: ArMember,
  options: { signal: AbortSignal; maxBytes: number; keep?: (path: string) => boolean },
): AsyncGenerator<TarEntry> {
  const fail = (why: string): Error => malformed(source.label, why)
  const format = ownValue(formats, member.name.replace(/^(?:control|data)\.tar/, ''))
  if (format === undefined) throw fail(`${member.name} is compressed in a way that is not supported`)
  const { signal, maxBytes, keep } = options
  const label = `${member.name} of ${source.label}`
  const unpacked = decompress(await source.read(member), format, { maxBytes, signal, label })
  try {
    yield* readTar(unpacked, { fail, ...(keep && { keep }) })
    // What follows the end of the archive is read too, so that damage there is seen.
    while ((await unpacked.next()).done !== true);
  } finally {
    // Ends the process that unpacks when we stop early.
    await unpacked.return(undefined)
  }
}

const formats: Record<string, CompressionFormat> = {
  '': 'plain',
  '.gz': 'gz',
  '.xz': 'xz',
  '.zst': 'zst',
  '.bz2': 'bz2',
}
