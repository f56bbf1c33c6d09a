import { compareVersions } from '../version.ts'

interface Sortable {
  name: string
  version: string
  architecture: string
}

/** By name (bytes), then version (dpkg's order), then architecture. What is in order already costs one pass. */
export function sortPackages<Item extends Sortable>(packages: readonly Item[]): readonly Item[] {
  for (let index = 1; index < packages.length; index++) {
    const [a, b] = [packages[index - 1]!, packages[index]!]
    if (a.name < b.name) continue
    if (comparePackages(a, b) > 0) return [...packages].sort(comparePackages)
  }
  return packages
}

/** Versions that dpkg holds equal (`1.0` and `1.0-0`) are told apart by their text, so that the order is total. */
export function comparePackages(a: Sortable, b: Sortable): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1
  return (
    compareVersions(a.version, b.version) ||
    compareText(a.version, b.version) ||
    compareText(a.architecture, b.architecture)
  )
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}
