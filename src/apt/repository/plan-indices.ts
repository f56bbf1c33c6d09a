import { type IndexPlan, planChunks } from '../../pieces/index.ts'
import { planPackageLines } from './manifest.ts'
import { renderStanza, type PlacedPackage } from './placed-package.ts'
import { planTranslation, type TranslationTable } from './translation-index.ts'

export interface Layout {
  suite: string
  /** The first is the default of packages that name none. */
  components: readonly string[]
  /** Without `all`. */
  architectures: readonly string[]
}

/**
 * Which index files there are. Packages of architecture `all` stand in the index of every architecture, as in
 * Debian's own archive: clients of every age find them there, and Release says so with
 * `No-Support-for-Architecture-all: Packages`.
 */
export function planIndices(
  packages: readonly PlacedPackage[],
  layout: Layout,
  translations: ReadonlyMap<string, TranslationTable>,
): IndexPlan[] {
  const plans = layout.components.flatMap((component) => {
    const folder = `dists/${layout.suite}/${component}`
    const members = packages.filter((item) => item.component === component)
    const binary = layout.architectures.map((architecture) => ({
      path: `${folder}/binary-${architecture}/Packages`,
      chunks: planChunks('packages 1\n', membersOf(members, component, architecture), {
        fingerprint: (item) => item.fingerprint,
        render: renderStanza,
      }),
    }))
    const table = translations.get(component)
    if (table === undefined) return binary
    return [...binary, { path: `${folder}/i18n/Translation-en`, chunks: planTranslation(members, table) }]
  })
  return [...plans, planPackageLines(packages)]
}

/** What the index of an architecture holds. */
export function membersOf(
  packages: readonly PlacedPackage[],
  component: string,
  architecture: string,
): PlacedPackage[] {
  return packages.filter(
    (item) => item.component === component && (item.architecture === architecture || item.architecture === 'all'),
  )
}
