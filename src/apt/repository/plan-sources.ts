import { type IndexPlan, planChunks } from '../../pieces/index.ts'
import { renderSourceStanza, type PlacedSource } from './placed-source.ts'
import type { Layout } from './plan-indices.ts'

/**
 * `source/Sources` of each component, there and empty when it has none.
 * Source: Debian wiki DebianRepository/Format, "Sources indices".
 */
export function planSources(sources: readonly PlacedSource[], layout: Layout): IndexPlan[] {
  return layout.components.map((component) => ({
    path: `dists/${layout.suite}/${component}/source/Sources`,
    chunks: planChunks(
      'sources 1\n',
      sources.filter((item) => item.component === component),
      { fingerprint: (item) => item.fingerprint, render: renderSourceStanza },
    ),
  }))
}
