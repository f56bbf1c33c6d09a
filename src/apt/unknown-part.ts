import { closest, isLarderError, LarderError, quote } from '../core/index.ts'
import { ownUpstreamName, type MirrorRequest, type WrongSetting } from '../mirror/index.ts'
import type { AptMirrorConfig } from './mirror-config.ts'
import type { AptUpstreamConfig } from './upstream-config.ts'
import { componentsOf, type Offer, type OfferedPart, type Suite } from './upstream/index.ts'

type Request = Pick<MirrorRequest<AptUpstreamConfig, AptMirrorConfig>, 'name' | 'mirror' | 'upstreams'>
type LoadedSuite = Pick<Suite, 'upstream' | 'suite' | 'indices'> & {
  source: Pick<Suite['source'], 'components'>
  release: Pick<Suite['release'], 'components' | 'architectures'>
}

const parts: readonly OfferedPart[] = ['suites', 'components', 'architectures']
const called = { suites: 'suite', components: 'component', architectures: 'architecture' }

/** A name in larder.yaml, and the upstreams that are asked for it. */
interface Asked {
  part: OfferedPart
  name: string
  path: WrongSetting['path']
  upstreams: readonly string[]
}

/**
 * A component or architecture that none of the upstreams has which are asked for it is a mistake in larder.yaml, though
 * others be found. APT_PART_UNKNOWN.
 */
export function refuseUnknownParts(request: Request, suites: readonly LoadedSuite[]): void {
  const settings = askedFor(request).flatMap((asked) => {
    const { part, upstreams } = asked
    const loaded = suites.filter(({ upstream }) => upstreams.includes(upstream))
    // A flat repository does not say what it has.
    if (part === 'suites' || loaded.some(({ suite }) => suite.endsWith('/'))) return []
    return wrongUnless(asked, [...new Set(loaded.flatMap((suite) => offered(request, part, suite)))])
  })
  if (settings.length === 0) return
  const message = `${settings.map((setting) => setting.message).join('; ')}.`
  throw new LarderError('APT_PART_UNKNOWN', { message, context: { settings } })
}

/** The failure of an upstream, as a mistake in larder.yaml where it is one: a name that the upstream does not have. */
export function asUnknownPart(request: Request, upstream: string, error: LarderError): LarderError {
  if (!isLarderError(error, 'APT_RELEASE_MISSING', 'APT_INDEX_MISSING', 'APT_SOURCES_NONE')) return error
  const asked = askedFor(request).flatMap((one) =>
    one.upstreams.includes(upstream) ? [{ ...one, upstreams: [upstream] }] : [],
  )
  const settings = error.code === 'APT_RELEASE_MISSING' ? wrongSuite(asked, error) : wrongNames(asked, error)
  if (settings.length === 0) return error
  return new LarderError(error.code === 'APT_SOURCES_NONE' ? error.code : 'APT_PART_UNKNOWN', {
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error,
    context: { ...error.context, settings },
  })
}

/** What was there before is gone by no mistake of the site. */
function wrongSuite(asked: readonly Asked[], { message, context }: LarderError): WrongSetting[] {
  const suite = asked.find(({ part, name }) => part === 'suites' && name === context['suite'])
  if (suite === undefined || 'lastGoodAt' in context) return []
  return [{ path: suite.path, message, expected: 'a suite that is there; ./ for a flat repository' }]
}

function wrongNames(asked: readonly Asked[], { context }: LarderError): WrongSetting[] {
  const offer = (context['offer'] ?? {}) as Offer
  return asked.flatMap((one) => (offer[one.part] === undefined ? [] : wrongUnless(one, offer[one.part] ?? [])))
}

function askedFor({ name: mirrorName, mirror, upstreams }: Request): Asked[] {
  const declared = upstreams.filter(({ name }) => name !== ownUpstreamName)
  return parts.flatMap((part) => {
    const own = declared.filter(({ config }) => config[part] !== undefined)
    const ofUpstreams = own.flatMap(({ name: upstream, config }) => {
      const [path, asks] = [['upstreams', upstream, part], { upstreams: [upstream] }]
      return (config[part] ?? []).map((name, at) => ({ part, name, path: [...path, at], ...asks }))
    })
    const others = declared.filter((upstream) => !own.includes(upstream)).map(({ name }) => name)
    const ofMirror =
      part === 'suites'
        ? [{ part, name: mirror.suite, path: ['mirrors', mirrorName, 'suite'], upstreams: others }]
        : mirror[part].map((name, at) => ({ part, name, path: ['mirrors', mirrorName, part, at], upstreams: others }))
    // What one upstream is asked for by itself, others need not have; suites are each upstream's own.
    const had = new Set(part === 'suites' ? [] : ofUpstreams.map(({ name }) => name))
    return [...ofUpstreams, ...(others.length === 0 ? [] : ofMirror.filter(({ name }) => !had.has(name)))]
  })
}

function offered(
  { upstreams }: Request,
  part: 'components' | 'architectures',
  { upstream, source, release, indices }: LoadedSuite,
): string[] {
  const packages = indices.filter(({ kind }) => kind === 'Packages')
  if (part === 'architectures') return [...release.architectures, ...packages.map(({ architecture }) => architecture)]
  // What this host's own sources do not name is not read, though it be there.
  const isOfHost = upstreams.some(({ name, config }) => name === upstream && config.from === 'system')
  const names = [...componentsOf(release), ...packages.map(({ component }) => component)]
  return isOfHost ? names.filter((name) => source.components?.includes(name) ?? true) : names
}

function wrongUnless({ part, name, path, upstreams }: Asked, there: readonly string[]): WrongSetting[] {
  if (there.includes(name) || name === 'all') return []
  const suggestion = closest(name, there)
  const [subject, have] = upstreams.length === 1 ? ['upstream', 'has'] : ['upstreams', 'have']
  return [
    {
      path,
      message: `${subject} ${upstreams.join(', ')} ${have} no ${called[part]} ${quote(name)}`,
      ...(there.length === 0 ? {} : { expected: `one of ${there.join(', ')}` }),
      ...(suggestion === undefined ? {} : { suggestion }),
    },
  ]
}
