import type { Descriptor } from '../../descriptor.ts'
import type { ImageSource } from '../content.ts'
import type { Distribution, InstalledPackage } from './installed-package.ts'
import { parseOsRelease } from './os-release.ts'
import { parsers } from './package-files.ts'
import { purlOf } from './purl.ts'
import { readPackageFiles, type PackageFile, type ReadOptions } from './read-package-files.ts'
import { readRpmDatabase, type InstalledRpm } from './rpm-database.ts'
import { readAll } from './spool.ts'

export interface FoundPackage extends InstalledPackage {
  purl: string
  /** Where it was found, in the order of paths; the first ten. */
  places: { path: string; layer: string }[]
}

export interface Inventory {
  distribution: Distribution | undefined
  /** In the order of their purls, each once. */
  packages: FoundPackage[]
  /** What could not be read, in words. */
  notes: string[]
}

export interface InventoryOptions extends ReadOptions {
  parseRpmHeader: (header: Uint8Array) => InstalledRpm | undefined
}

/** What is installed in these layers. Errors as of readPackageFiles. */
export async function takeInventory(
  source: ImageSource,
  layers: readonly Descriptor[],
  options: InventoryOptions,
): Promise<Inventory> {
  const { files, notes: told } = await readPackageFiles(source, layers, options)
  const notes = new Set(told)
  const distribution = await distributionOf(files)
  const found = new Map<string, FoundPackage>()
  const add = (installed: InstalledPackage, { path, layer }: PackageFile): void => {
    const purl = purlOf(installed, distribution)
    const known = found.get(purl) ?? { ...installed, purl, places: [] }
    if (known.places.length < maxPlaces) known.places.push({ path, layer })
    found.set(purl, known)
  }
  for (const file of files) for (const installed of await packagesIn(file)) add(installed, file)
  for (const database of rpmDatabases(files)) {
    const read = { ...options, parseHeader: options.parseRpmHeader, notes }
    const [file] = database
    if (file) for (const installed of await readRpmDatabase(database, read)) add(installed, file)
  }
  const packages = [...found.values()].sort((left, right) => (left.purl < right.purl ? -1 : 1))
  return { distribution, packages, notes: [...notes].sort() }
}

const maxPlaces = 10

async function distributionOf(files: readonly PackageFile[]): Promise<Distribution | undefined> {
  // In etc it is a link to the other as a rule.
  const file = files.find(({ kind }) => kind === 'os')
  return file && parseOsRelease((await readAll(file.content)).toString('utf8'))
}

async function packagesIn({ kind, content }: PackageFile): Promise<InstalledPackage[]> {
  if (kind === 'rpm' || kind === 'rpm-old' || kind === 'os') return []
  return parsers[kind]((await readAll(content)).toString('utf8'))
}

/** Those of a folder together; the log of a database is nothing without it. */
function rpmDatabases(files: readonly PackageFile[]): PackageFile[][] {
  const rpm = files.filter(({ kind }) => kind === 'rpm')
  return Object.values(Object.groupBy(rpm, ({ path }) => path.slice(0, path.lastIndexOf('/')))).filter(
    (group) => group !== undefined,
  )
}
