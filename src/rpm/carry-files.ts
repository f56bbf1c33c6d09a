import { cutComps } from './comps.ts'
import type { RpmResolution } from './format.ts'
import type { LoadedUpstreams } from './loaded-upstreams.ts'
import { cutModules } from './modules.ts'
import type { CarriedFiles } from './repository/index.ts'
import type { Universe } from './universe.ts'
import { cutUpdateinfo } from './updateinfo.ts'
import type { BlobStore } from '../store/index.ts'
import { openDataFile, readDataFile, type DataFile } from './upstream/index.ts'

interface Carrying {
  store: BlobStore
  signal: AbortSignal
  loaded: LoadedUpstreams
  resolution: RpmResolution
}

/**
 * What upstreams say of modules, groups and advisories, cut to what the mirror holds: an advisory without its packages
 * tells clients of an update that is not there. RPM_XML_MALFORMED, DECOMPRESS_*, CANCELLED.
 */
export async function carryFiles({ store, signal, loaded, resolution }: Carrying): Promise<CarriedFiles> {
  const { packages, rows } = resolution
  const artifacts = new Set(Array.from(rows, (row) => artifactOf(loaded.universe, row)))
  const modules = cutModules(loaded.modules?.files ?? [], (build) => build.artifacts.some((one) => artifacts.has(one)))
  const names = new Set(packages.map(({ name }) => name))
  const groups = await Promise.all(filesOf(loaded, 'group').map((file) => readDataFile(store, file, signal)))
  const comps = cutComps(groups, (name) => names.has(name))
  const held = new Set(packages.map(({ name, version, architecture }) => `${name}-${version}.${architecture}`))
  const updateinfo = await cutUpdateinfo(
    filesOf(loaded, 'updateinfo').map((file) => openDataFile(store, file, signal)),
    { has: ({ name, evr, architecture }) => held.has(`${name}-${evr}.${architecture}`) },
  )
  return { ...(modules && { modules }), ...(comps && { comps }), ...(updateinfo && { updateinfo }) }
}

/** As modules.yaml names a package: `nodejs-1:20.11-1.module+el9.x86_64`. */
export function artifactOf(universe: Universe, row: number): string {
  const { epoch, version, release } = universe.evr(row)
  return `${universe.name(row)}-${epoch}:${version}-${release}.${universe.architecture(row)}`
}

function filesOf({ repositories }: LoadedUpstreams, type: 'group' | 'updateinfo'): DataFile[] {
  return repositories.flatMap(({ files }) => files.get(type) ?? [])
}
