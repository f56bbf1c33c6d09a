import { LarderError, ownValue } from '../../core/index.ts'
import type { ProxySettings } from '../../fetch/index.ts'
import type { AptConfig } from '../host/apt-config.ts'
import type { HostSource, SignedBy } from '../host/sources.ts'
import { parseKeyring, restrictKeyring, type Keyring } from '../../openpgp/index.ts'
import type { SuiteQuery } from './find-suites.ts'
import type { Host } from './host.ts'
import type { Offer } from './offer.ts'
import type { SuiteSource } from './suite-source.ts'

/** What belongs to a suite `bookworm`, in this order: itself, its updates, its security fixes (old style too). */
const companions = ['', '-updates', '-security', '/updates']

/**
 * Suites of this host's own APT sources: those that the mirror names and their companions, as far as components
 * fit, with the keys, checks and proxies that apt would use. APT_SOURCES_NONE tells what there is instead.
 */
export async function findSystemSuites(query: SuiteQuery): Promise<SuiteSource[]> {
  const config = await query.host.aptConfig()
  const sources = (await query.host.sources(config)).filter(({ types }) => types.includes('deb'))
  const wanted = query.suites.flatMap((suite) => (suite.endsWith('/') ? [suite] : companions.map((end) => suite + end)))
  const found = new Map<string, SuiteSource>()
  for (const suite of wanted) {
    for (const source of sources.filter(({ suites }) => suites.includes(suite))) {
      const components = fittingComponents(source, suite, query.components)
      if (components?.length === 0) continue
      for (const uri of source.uris.map(plainUri)) {
        if (uri !== undefined) await add(found, { query, source, config, uri, suite, components })
      }
    }
  }
  if (found.size === 0) throw nothingFits(query, sources)
  return [...found.values()]
}

interface Addition {
  query: SuiteQuery
  source: HostSource
  config: AptConfig
  uri: string
  suite: string
  components: readonly string[] | undefined
}

/** Entries for the same suite at the same address add their components to one another, as for apt. */
async function add(found: Map<string, SuiteSource>, addition: Addition): Promise<void> {
  const { query, source, config, uri, suite, components } = addition
  const { name, config: own } = query.upstream
  const key = `${name} ${suite} ${uri}`
  const before = found.get(key)
  if (before) {
    found.set(key, { ...before, components: [...new Set([...(before.components ?? []), ...(components ?? [])])] })
    return
  }
  const allowUnsigned = own.allowUnsigned || source.trusted === true
  const proxy = proxyFor(uri, config)
  found.set(key, {
    upstream: name,
    key,
    uris: [uri],
    suite,
    components,
    architectures: query.architectures.filter((wanted) => source.architectures?.includes(wanted) ?? true),
    keyring: allowUnsigned ? undefined : await readKeyring(source.signedBy, query.host, source),
    allowUnsigned,
    // A host's sources may call a suite by another name than it has itself: `stable`. apt only warns.
    acceptSuites: own.acceptSuites ?? [],
    checkValidUntil: own.checkValidUntil ?? source.checkValidUntil ?? config.checkValidUntil,
    checkDate: own.checkDate ?? source.checkDate ?? config.checkDate,
    byHash: own.byHash ?? (source.byHash === 'force' ? true : source.byHash),
    ...(proxy === undefined ? {} : { proxy }),
    limits: own.limits,
  })
}

function fittingComponents(source: HostSource, suite: string, wanted: readonly string[] | undefined) {
  if (suite.endsWith('/')) return undefined
  return wanted === undefined ? source.components : source.components.filter((name) => wanted.includes(name))
}

/** `copy:` is `file:` to us; `cdrom:`, `mirror+…` and other methods of apt are passed over. */
function plainUri(uri: string): string | undefined {
  const plain = uri.replace(/^(copy|file):\/*/, 'file:///')
  return /^(https?:\/\/|file:\/\/\/)/.test(plain) ? plain : undefined
}

async function readKeyring(signedBy: SignedBy, host: Host, source: HostSource): Promise<Keyring> {
  if (signedBy.kind === 'inline') {
    return parseKeyring([{ name: `${source.file}:${source.line}`, bytes: Buffer.from(signedBy.armored) }])
  }
  const files = await Promise.all(signedBy.paths.map(async (name) => ({ name, bytes: await host.readFile(name) })))
  const keyring = await parseKeyring(files.flatMap(({ name, bytes }) => (bytes ? [{ name, bytes }] : [])))
  return signedBy.kind === 'fingerprints' ? restrictKeyring(keyring, signedBy.fingerprints) : keyring
}

/** Undefined: as the environment says. */
function proxyFor(uri: string, config: AptConfig): ProxySettings | undefined {
  const own = ownValue(config.proxyByHost, URL.parse(uri)?.hostname ?? '')
  if (own !== undefined) return own.toUpperCase() === 'DIRECT' ? {} : { http: own, https: own }
  if (config.httpProxy === undefined && config.httpsProxy === undefined) return undefined
  return { http: config.httpProxy ?? '', https: config.httpsProxy ?? '' }
}

function nothingFits(query: SuiteQuery, sources: readonly HostSource[]): LarderError {
  const asked = `${query.suites.join(', ')}${query.components ? ` (${query.components.join(', ')})` : ''}`
  const there = sources.flatMap(({ suites, components }) =>
    suites.map((suite) => `${suite} (${components.join(', ')})`),
  )
  return new LarderError('APT_SOURCES_NONE', {
    message:
      there.length === 0
        ? `upstream ${query.upstream.name}: this host has no APT sources`
        : `upstream ${query.upstream.name}: no APT source of this host is for ${asked}; there are ${[...new Set(there)].join('; ')}`,
    hint:
      there.length === 0
        ? 'give url and keys of the upstream instead of `from: system`'
        : 'set suite and components of the mirror to what there is, or give url and keys of the upstream',
    context: { upstream: query.upstream.name, suites: query.suites, found: [...new Set(there)], offer: offerOf(query, sources) }, // prettier-ignore
  })
}

/** Components: those of the suites that are asked for, if there are such. */
function offerOf({ suites: asked }: SuiteQuery, sources: readonly HostSource[]): Offer {
  const suites = [...new Set(sources.flatMap((source) => source.suites))]
  const fitting = sources.filter((source) => source.suites.some((suite) => asked.includes(suite)))
  const components = [...new Set((fitting.length > 0 ? fitting : sources).flatMap((source) => source.components))]
  return { suites, components }
}
