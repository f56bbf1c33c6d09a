import { LarderError } from '../../core/index.ts'
import { unfoldArmor } from '../../openpgp/index.ts'
import { booleanOf } from './apt-config.ts'

/** One entry of the APT sources of this host. */
export interface HostSource {
  types: readonly ('deb' | 'deb-src')[]
  /** Each ends in `/`. */
  uris: readonly string[]
  /** One that ends in `/` is the path of a flat repository, and has no components. */
  suites: readonly string[]
  components: readonly string[]
  /** Undefined: those of the host. */
  architectures?: readonly string[]
  signedBy: SignedBy
  /** Undefined: as signatures say. */
  trusted?: boolean
  /** Undefined: as the host is set. */
  checkValidUntil?: boolean
  checkDate?: boolean
  allowInsecure?: boolean
  byHash?: boolean | 'force'
  file: string
  /** 1-based. */
  line: number
}

export type SignedBy =
  | { kind: 'files'; paths: readonly string[] }
  | { kind: 'inline'; armored: string }
  /** Only these keys, out of the host's default keyrings; upper case, `!` at the end excludes subkeys. */
  | { kind: 'fingerprints'; fingerprints: readonly string[]; paths: readonly string[] }
  /** Every keyring that the host trusts for all sources. */
  | { kind: 'default'; paths: readonly string[] }

/** What the readers of both forms must know of the host. */
export interface SourceSurroundings {
  /** Put in place of `$(ARCH)`. */
  architecture: string
  /** What Architectures-Add and -Remove begin from. */
  architectures: readonly string[]
  defaultKeyrings: readonly string[]
}

export interface SourceOptions {
  get(name: string): string | undefined
}

export interface SourceParts {
  types: HostSource['types']
  uris: readonly string[]
  suites: readonly string[]
  components: readonly string[]
  options: SourceOptions
}

export interface SourcePlace {
  file: string
  line: number
}

/** Checks and completes what either form holds; options go by their deb822 names. @throws APT_SOURCES_MALFORMED */
export function makeHostSource(parts: SourceParts, place: SourcePlace, surroundings: SourceSurroundings): HostSource {
  const { options } = parts
  const suites = parts.suites.map((suite) => suite.replaceAll('$(ARCH)', surroundings.architecture))
  checkComponents(suites, parts.components, place)
  return {
    types: parts.types,
    uris: parts.uris.map((uri) => completeUri(uri, place, surroundings)),
    suites,
    components: parts.components,
    ...architecturesOf(options, surroundings),
    signedBy: signedByOf(options.get('Signed-By'), place, surroundings),
    ...flagOf('trusted', options.get('Trusted')),
    ...flagOf('checkValidUntil', options.get('Check-Valid-Until')),
    ...flagOf('checkDate', options.get('Check-Date')),
    ...flagOf('allowInsecure', options.get('Allow-Insecure')),
    ...(options.get('By-Hash') === 'force' ? { byHash: 'force' as const } : flagOf('byHash', options.get('By-Hash'))),
    ...place,
  }
}

export function malformedSource(place: SourcePlace, fault: string, cause?: unknown): LarderError {
  return new LarderError('APT_SOURCES_MALFORMED', {
    message: `${place.file}:${place.line}: ${fault}.`,
    hint: 'apt-get update reports the same place; sources.list(5) describes the form.',
    context: { ...place },
    ...(cause === undefined ? {} : { cause }),
  })
}

function checkComponents(suites: readonly string[], components: readonly string[], place: SourcePlace): void {
  for (const suite of suites) {
    const flat = suite.endsWith('/')
    if (flat && components.length > 0) throw malformedSource(place, `the flat suite ${suite} has components`)
    if (!flat && components.length === 0) throw malformedSource(place, `the suite ${suite} has no components`)
  }
}

function completeUri(uri: string, place: SourcePlace, surroundings: SourceSurroundings): string {
  const full = uri.replaceAll('$(ARCH)', surroundings.architecture)
  if (!full.includes(':')) throw malformedSource(place, 'an address has no scheme')
  return full.endsWith('/') ? full : `${full}/`
}

function architecturesOf(options: SourceOptions, surroundings: SourceSurroundings): { architectures?: string[] } {
  const set = options.get('Architectures')
  const added = words(options.get('Architectures-Add'))
  const removed = new Set(words(options.get('Architectures-Remove')))
  if (set === undefined && added.length === 0 && removed.size === 0) return {}
  const all = [...(set === undefined ? surroundings.architectures : words(set)), ...added]
  return { architectures: [...new Set(all)].filter((name) => !removed.has(name)) }
}

function signedByOf(value: string | undefined, place: SourcePlace, surroundings: SourceSurroundings): SignedBy {
  const paths = surroundings.defaultKeyrings
  if (value === undefined || value.trim() === '') return { kind: 'default', paths }
  if (value.includes('-----BEGIN PGP')) return { kind: 'inline', armored: unfoldArmor(value) }
  const parts = words(value)
  if (parts.every((part) => part.startsWith('/'))) return { kind: 'files', paths: parts }
  const fingerprints = parts.map((part) => part.toUpperCase())
  if (fingerprints.every((part) => /^(?:[0-9A-F]{40}|[0-9A-F]{64})!?$/.test(part))) {
    return { kind: 'fingerprints', fingerprints, paths }
  }
  throw malformedSource(place, 'Signed-By is neither absolute paths nor fingerprints nor an armoured key')
}

/** APT parts lists at blanks and commas. */
function words(value: string | undefined): string[] {
  return (value ?? '').split(/[\s,]+/).filter((word) => word !== '')
}

function flagOf<Name extends string>(name: Name, value: string | undefined): Partial<Record<Name, boolean>> {
  const flag = booleanOf(value)
  return flag === undefined ? {} : ({ [name]: flag } as Record<Name, boolean>)
}
