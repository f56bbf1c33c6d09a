import { LarderError, type Progress } from '../../core/index.ts'
import type { FetchResult, Fetcher, LabelledRequest } from '../../fetch/index.ts'
import type { LeaseId } from '../../store/index.ts'
import { strongest } from '../release.ts'
import { describe } from './check-release.ts'
import type { IndexChoice, IndexVariant } from './choose-indices.ts'
import type { SuiteIndex } from './suite.ts'
import { suiteFolder, urlsBelow, type SuiteSource } from './suite-source.ts'

interface Fetching {
  fetcher: Fetcher
  lease: LeaseId
  signal: AbortSignal
  progress: Progress
  source: SuiteSource
  /** Indices of earlier, by which a file promised by SHA-512 alone is known to be in the store. */
  known: readonly SuiteIndex[]
}

/**
 * Fetches each index in the best form that the upstream really has; a form that is promised and not there
 * (Packages, where only Packages.xz is) gives way to the next. APT_INDEX_MISSING, FETCH_*, DIGEST_MISMATCH, SIZE_MISMATCH.
 */
export async function fetchIndices(fetching: Fetching, choices: readonly IndexChoice[]): Promise<SuiteIndex[]> {
  const indices: SuiteIndex[] = []
  let open = choices.map((choice) => ({ choice, attempt: 0 }))
  while (open.length > 0) {
    const requests = open.map(({ choice, attempt }) => requestFor(fetching, choice.variants[attempt]!))
    const results = await fetching.fetcher.fetchAll(requests, fetching)
    const next: typeof open = []
    for (const [position, result] of results.entries()) {
      const { choice, attempt } = open[position]!
      const index = toIndex(choice, choice.variants[attempt]!, result)
      if (index) indices.push(index)
      else if (attempt + 1 < choice.variants.length) next.push({ choice, attempt: attempt + 1 })
      else throw missing(fetching.source, choice)
    }
    open = next
  }
  return indices.sort((a, b) => (a.path < b.path ? -1 : 1))
}

function requestFor({ source, lease, known }: Fetching, variant: IndexVariant): LabelledRequest {
  const folder = suiteFolder(source.suite)
  const { hex } = strongest(variant.file)
  const before = known.find(({ promised }) => promised === hex)
  return {
    label: `${source.upstream} ${source.suite} ${variant.path}`,
    urls: [
      ...(variant.byHashPath === undefined ? [] : urlsBelow(source.uris, folder + variant.byHashPath)),
      ...urlsBelow(source.uris, folder + variant.path),
    ],
    expected: { ...variant.file, ...(before ? { sha256: before.digest.slice('sha256:'.length) } : {}) },
    maxBytes: source.limits.indexBytes,
    lease,
    ...(source.proxy === undefined ? {} : { proxy: source.proxy }),
  }
}

function toIndex(choice: IndexChoice, variant: IndexVariant, result: FetchResult): SuiteIndex | undefined {
  if (result.kind !== 'fetched') return undefined
  return {
    component: choice.place.component,
    architecture: choice.place.architecture,
    kind: choice.place.kind,
    path: choice.place.path,
    digest: result.digest,
    sizeBytes: result.sizeBytes,
    format: variant.format,
    ...(choice.uncompressed ? { uncompressed: choice.uncompressed } : {}),
    promised: strongest(variant.file).hex,
  }
}

function missing(source: SuiteSource, choice: IndexChoice): LarderError {
  return new LarderError('APT_INDEX_MISSING', {
    message: `${describe(source)}: the Release promises ${choice.variants.map(({ path }) => path).join(', ')}, but none is there`,
    context: { upstream: source.upstream, suite: source.suite, path: choice.place.path },
  })
}
