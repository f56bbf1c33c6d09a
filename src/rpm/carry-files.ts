import type { RpmResolution } from './format.ts'
import type { LoadedUpstreams } from './loaded-upstreams.ts'
import { cutModules } from './modules.ts'
import type { CarriedFiles } from './repository/index.ts'
import type { Universe } from './universe.ts'

/** What upstreams say of modules, groups and advisories, cut to what the mirror holds. */
export function carryFiles(loaded: LoadedUpstreams, { rows }: RpmResolution): CarriedFiles {
  const artifacts = new Set(Array.from(rows, (row) => artifactOf(loaded.universe, row)))
  const modules = cutModules(loaded.modules?.files ?? [], (build) => build.artifacts.some((one) => artifacts.has(one)))
  return { ...(modules && { modules }) }
}

/** As modules.yaml names a package: `nodejs-1:20.11-1.module+el9.x86_64`. */
export function artifactOf(universe: Universe, row: number): string {
  const { epoch, version, release } = universe.evr(row)
  return `${universe.name(row)}-${epoch}:${version}-${release}.${universe.architecture(row)}`
}
