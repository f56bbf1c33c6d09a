import { compareEvr, formatEvr, type Evr } from '../version.ts'

interface Sortable {
  name: string
  evr: Evr
  architecture: string
}

/** By name (bytes), then version (rpm's order), then architecture. */
export function sortPackages<Item extends Sortable>(packages: readonly Item[]): Item[] {
  return [...packages].sort(comparePackages)
}

/** Versions that rpm holds equal (`1.0` and `1_0`) are told apart by their text, so that the order is total. */
export function comparePackages(a: Sortable, b: Sortable): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1
  return (
    compareEvr(a.evr, b.evr) ||
    compareText(formatEvr(a.evr), formatEvr(b.evr)) ||
    compareText(a.architecture, b.architecture)
  )
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}
