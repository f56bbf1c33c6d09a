import { LarderError } from '../core/index.ts'
import { artifactOf } from './carry-files.ts'
import type { LoadedUpstreams } from './loaded-upstreams.ts'

/** How builders of modules mark a release: `1.module+el9.3.0+123+abcdef`. */
const moduleRelease = /\.module[+_]/

/**
 * Refuses packages of modules that no upstream describes: dnf does not install a modular package without the metadata of
 * its module, whatever depends on it. RPM_MODULE_MISSING.
 */
export function refuseStrayModules({ universe, modules }: LoadedUpstreams, rows: Uint32Array): void {
  const modular = Array.from(rows).filter((row) => moduleRelease.test(universe.evr(row).release))
  if (modular.length === 0) return
  const known = new Set(modules?.metadata.builds.flatMap(({ artifacts }) => artifacts))
  const stray = modular.filter((row) => !known.has(artifactOf(universe, row)))
  const [first] = stray
  if (first === undefined) return
  const { upstream } = universe.member(first)
  throw new LarderError('RPM_MODULE_MISSING', {
    message: `${universe.describe(first)} of upstream ${upstream} is of a module, but modules.yaml does not speak of it${stray.length > 1 ? `, nor of ${stray.length - 1} others` : ''}.`,
    hint: 'dnf would not install it. Use an upstream that has the metadata of its modules, or exclude the package.',
    context: { packages: stray.slice(0, 20).map((row) => universe.describe(row)) },
  })
}
