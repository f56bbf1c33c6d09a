import type { CompressionFormat } from '../../unpack/index.ts'
import { strongest, type Release, type ReleaseFile } from '../release.ts'
import type { IndexKind, SuiteIndex } from './suite.ts'
import { isNear } from './is-near.ts'
import type { SuiteSource } from './suite-source.ts'

/** One index that Release promises, in the forms in which it may be had, the best first. */
export interface IndexChoice {
  place: Pick<SuiteIndex, 'component' | 'architecture' | 'kind' | 'path'>
  variants: readonly IndexVariant[]
  uncompressed: ReleaseFile | undefined
}

export interface IndexVariant {
  format: CompressionFormat
  /** Relative to the Release. */
  path: string
  file: ReleaseFile
  byHashPath: string | undefined
}

type Suffix = readonly [CompressionFormat, string]

export interface WantedIndices {
  /** Default true. */
  translations?: boolean
  /** Default false. */
  sources?: boolean
  /** Default false. */
  contents?: boolean
}

/** Least to transfer first, of those that unpack fast enough. */
const suffixesFromAfar: readonly Suffix[] = [
  ['xz', '.xz'],
  ['zst', '.zst'],
  ['gz', '.gz'],
  ['bz2', '.bz2'],
  ['plain', ''],
]

/** Least to unpack first: gz takes a fifth of the processor's time that xz takes, for a third more bytes. */
const suffixesFromNear: readonly Suffix[] = [
  ['zst', '.zst'],
  ['gz', '.gz'],
  ['xz', '.xz'],
  ['bz2', '.bz2'],
  ['plain', ''],
]

/** Which indices to fetch for what was asked, and what is asked for but not promised. Pure. */
export function chooseIndices(
  release: Release,
  source: SuiteSource,
  wanted: WantedIndices,
): { choices: IndexChoice[]; missing: string[] } {
  const choices: IndexChoice[] = []
  const missing: string[] = []
  for (const place of placesOf(release, source, wanted)) {
    const variants = variantsOf(release, source, place.path)
    if (variants.length > 0) choices.push({ place, variants, uncompressed: release.files.get(place.path) })
    else if (place.required) missing.push(place.path)
  }
  return { choices, missing }
}

type Place = IndexChoice['place'] & { required: boolean }

function placesOf(release: Release, source: SuiteSource, wanted: WantedIndices): Place[] {
  if (source.suite.endsWith('/')) {
    const flat = (kind: IndexKind, path: string, required: boolean): Place => ({
      component: 'main',
      architecture: '',
      kind,
      path,
      required,
    })
    return [flat('Packages', 'Packages', true), ...(wanted.sources === true ? [flat('Sources', 'Sources', true)] : [])]
  }
  const components = source.components ?? release.components
  return components.flatMap((component) => componentPlaces(component, { release, source, wanted }))
}

function componentPlaces(
  component: string,
  { release, source, wanted }: { release: Release; source: SuiteSource; wanted: WantedIndices },
): Place[] {
  const place = (
    kind: IndexKind,
    path: string,
    options: { architecture?: string; required?: boolean } = {},
  ): Place => ({
    component,
    architecture: options.architecture ?? '',
    kind,
    path: `${component}/${path}`,
    required: options.required ?? false,
  })
  const packages = source.architectures.map((architecture) =>
    place('Packages', `binary-${architecture}/Packages`, { architecture, required: true }),
  )
  const all = release.noSupportForArchitectureAll || !release.architectures.includes('all')
  return [
    ...packages,
    ...(all ? [] : [place('Packages', 'binary-all/Packages', { architecture: 'all' })]),
    ...(wanted.translations === false ? [] : [place('Translation-en', 'i18n/Translation-en')]),
    ...(wanted.sources === true ? [place('Sources', 'source/Sources', { required: true })] : []),
    ...(wanted.contents === true
      ? source.architectures.map((architecture) => place('Contents', `Contents-${architecture}`, { architecture }))
      : []),
  ]
}

function variantsOf(release: Release, source: SuiteSource, path: string): IndexVariant[] {
  const byHash = source.byHash ?? release.acquireByHash
  const suffixes = source.uris.slice(0, 1).some(isNear) ? suffixesFromNear : suffixesFromAfar
  return suffixes.flatMap(([format, suffix]) => {
    const file = release.files.get(path + suffix)
    if (!file) return []
    return [{ format, path: path + suffix, file, byHashPath: byHash ? byHashPath(path, file) : undefined }]
  })
}

function byHashPath(path: string, file: ReleaseFile): string {
  const { algorithm, hex } = strongest(file)
  return `${path.slice(0, path.lastIndexOf('/') + 1)}by-hash/${algorithm.toUpperCase()}/${hex}`
}
