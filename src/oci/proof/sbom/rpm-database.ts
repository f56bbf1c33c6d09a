import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { ForeignDatabaseError, readForeignColumn } from '../../../state/index.ts'
import type { InstalledPackage } from './installed-package.ts'
import type { PackageFile } from './read-package-files.ts'
import { copyTo } from './spool.ts'

/** What a header of the database says. */
export interface InstalledRpm {
  name: string
  epoch: number | undefined
  version: string
  release: string
  architecture: string | undefined
  license: string | undefined
  vendor: string | undefined
  /** File name of the source package. */
  sourceRpm: string | undefined
}

export interface RpmDatabaseOptions {
  spoolFolder: string
  /** Undefined for what is damaged. */
  parseHeader: (header: Uint8Array) => InstalledRpm | undefined
  notes: Set<string>
  signal: AbortSignal
}

/** Of a folder: the database, and its log where there is one. What cannot be read becomes a note. CANCELLED. */
export async function readRpmDatabase(
  files: readonly PackageFile[],
  { spoolFolder, parseHeader, notes, signal }: RpmDatabaseOptions,
): Promise<InstalledPackage[]> {
  const folder = await mkdtemp(join(spoolFolder, 'rpm-'))
  const database = files.find(({ path }) => path.endsWith('/rpmdb.sqlite'))
  if (database === undefined) return []
  for (const { path, content } of files) await copyTo(content, join(folder, path.slice(path.lastIndexOf('/') + 1)))
  const packages: InstalledPackage[] = []
  try {
    const column = { table: 'Packages', column: 'blob', maxRows }
    for await (const header of readForeignColumn(join(folder, 'rpmdb.sqlite'), column)) {
      signal.throwIfAborted()
      const rpm = parseHeader(header)
      if (rpm === undefined) notes.add(`Some of ${database.path} is damaged.`)
      // Keys are kept there as if they were packages.
      else if (rpm.name !== 'gpg-pubkey') packages.push(packageOf(rpm))
    }
  } catch (error) {
    if (!(error instanceof ForeignDatabaseError)) throw error
    notes.add(`${database.path} cannot be read: ${error.message}.`)
  }
  return packages
}

const maxRows = 100_000

function packageOf({
  name,
  epoch,
  version,
  release,
  architecture,
  license,
  vendor,
  sourceRpm,
}: InstalledRpm): InstalledPackage {
  return {
    kind: 'rpm',
    name,
    version: `${version}-${release}`,
    epoch,
    architecture,
    license,
    supplier: vendor,
    source: sourceRpm,
  }
}
