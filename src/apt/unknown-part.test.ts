import { expect, it } from 'vitest'
import { isLarderError, LarderError } from '../core/index.ts'
import { ownUpstreamName, type WrongSetting } from '../mirror/index.ts'
import { aptMirrorSchema } from './mirror-config.ts'
import { asUnknownPart, refuseUnknownParts } from './unknown-part.ts'
import { aptUpstreamSchema } from './upstream-config.ts'

type Request = Parameters<typeof refuseUnknownParts>[0]
type Loaded = Parameters<typeof refuseUnknownParts>[1][number]

function requestOf(mirror: object, upstreams: Record<string, object>): Request {
  return {
    name: 'base',
    mirror: aptMirrorSchema.parse({ suite: 'stable', architectures: ['amd64'], ...mirror }),
    upstreams: Object.entries(upstreams).map(([name, config]) => {
      const url = 'from' in config ? {} : { url: 'http://a.example.org/', allowUnsigned: true }
      return { name, config: aptUpstreamSchema.parse({ ...url, ...config }) }
    }),
  }
}

function loaded(upstream: string, release: Partial<Loaded['release']> = {}, more: Partial<Loaded> = {}): Loaded {
  return {
    upstream,
    suite: 'stable',
    source: { components: undefined },
    release: { components: ['main', 'contrib'], architectures: ['amd64', 'i386'], ...release },
    indices: [],
    ...more,
  }
}

const index = (component: string, architecture: string): Loaded['indices'][number] =>
  ({ kind: 'Packages', component, architecture }) as Loaded['indices'][number]

function settingsOf(error: unknown): string[] {
  if (!isLarderError(error)) throw error
  return ((error.context['settings'] ?? []) as WrongSetting[]).map(
    ({ path, message, suggestion = 'nothing' }) => `${path.join('.')}: ${message}, ${suggestion}`,
  )
}

function refused(request: Request, suites: readonly Loaded[]): string[] {
  try {
    refuseUnknownParts(request, suites)
    return []
  } catch (error) {
    expect(error).toMatchObject({ code: 'APT_PART_UNKNOWN', exitCode: 3 })
    return settingsOf(error)
  }
}

const two = { debian: {}, extra: {} }

it.each<[string, Request, Loaded[], string[]]>([
  ['all is there', requestOf({ components: ['main', 'contrib'] }, { debian: {} }), [loaded('debian')], []],
  [
    'a component and an architecture are not',
    requestOf({ components: ['main', 'contirb'], architectures: ['amd64', 'amd46'] }, { debian: {} }),
    [loaded('debian')],
    [
      'mirrors.base.components.1: upstream debian has no component "contirb", contrib',
      'mirrors.base.architectures.1: upstream debian has no architecture "amd46", amd64',
    ],
  ],
  [
    'one of two upstreams has it',
    requestOf({ components: ['main', 'extra'] }, two),
    [loaded('debian'), loaded('extra', { components: ['extra'] })],
    [],
  ],
  [
    'neither of two has it',
    requestOf({ components: ['main', 'mian'] }, two),
    [loaded('debian'), loaded('extra')],
    ['mirrors.base.components.1: upstreams debian, extra have no component "mian", main'],
  ],
  [
    'an upstream has components of its own',
    requestOf({ components: ['main'] }, { extra: { components: ['stable', 'tset'] } }),
    [loaded('extra', { components: ['stable', 'test'] })],
    ['upstreams.extra.components.1: upstream extra has no component "tset", test'],
  ],
  [
    'what an upstream is asked for by itself, others need not have',
    requestOf({ architectures: ['amd64', 'arm64'] }, { debian: {}, arm: { architectures: ['arm64'] } }),
    [loaded('debian'), loaded('arm', { architectures: ['arm64'] })],
    [],
  ],
  [
    'components with a folder before',
    requestOf({ components: ['main'] }, { debian: {} }),
    [loaded('debian', { components: ['updates/main'] })],
    [],
  ],
  [
    'a Release that says nothing, and an index that is there',
    requestOf({}, { debian: {} }),
    [loaded('debian', { components: [], architectures: [] }, { indices: [index('main', 'amd64')] })],
    [],
  ],
  ['packages for all architectures', requestOf({ architectures: ['amd64', 'all'] }, two), [loaded('debian')], []],
  [
    'a flat repository',
    requestOf({ components: ['any'] }, { debian: {} }),
    [loaded('debian', { components: [] }, { suite: './' })],
    [],
  ],
  [
    'packages of one’s own do not stand for anything',
    requestOf({ components: ['mian'] }, { [ownUpstreamName]: {}, debian: {} }),
    [loaded(ownUpstreamName, { components: ['mian'] }, { suite: './' }), loaded('debian')],
    ['mirrors.base.components.0: upstream debian has no component "mian", main'],
  ],
  [
    'what the sources of this host leave out',
    requestOf({ components: ['main', 'contrib'] }, { debian: { from: 'system' } }),
    [loaded('debian', {}, { source: { components: ['main'] } })],
    ['mirrors.base.components.1: upstream debian has no component "contrib", nothing'],
  ],
])('parts: %s', (_, request, suites, told) => {
  expect(refused(request, suites)).toEqual(told)
})

const request = requestOf({ components: ['main', 'mian'] }, { debian: {}, own: { suites: ['stable', 'stabel'] } })

it.each<[string, string, LarderError, string, string[]]>([
  [
    'a suite that was never there',
    'own',
    new LarderError('APT_RELEASE_MISSING', { message: 'no Release', context: { suite: 'stabel' } }),
    'APT_PART_UNKNOWN',
    ['upstreams.own.suites.1: no Release, nothing'],
  ],
  [
    'a suite that was there before',
    'own',
    new LarderError('APT_RELEASE_MISSING', { message: 'gone', context: { suite: 'stabel', lastGoodAt: 'yesterday' } }),
    'APT_RELEASE_MISSING',
    [],
  ],
  [
    'a Release with none of what is asked for',
    'debian',
    new LarderError('APT_INDEX_MISSING', { message: 'none', context: { offer: { components: ['main'] } } }),
    'APT_PART_UNKNOWN',
    ['mirrors.base.components.1: upstream debian has no component "mian", main'],
  ],
  [
    'an index that is promised, and not there',
    'debian',
    new LarderError('APT_INDEX_MISSING', { message: 'vanished' }),
    'APT_INDEX_MISSING',
    [],
  ],
  [
    'no source of the host is for the suite',
    'debian',
    new LarderError('APT_SOURCES_NONE', {
      message: 'none',
      context: { offer: { suites: ['stables'], components: ['main', 'mian'] } },
    }),
    'APT_SOURCES_NONE',
    ['mirrors.base.suite: upstream debian has no suite "stable", stables'],
  ],
  ['an upstream that is away', 'debian', new LarderError('FETCH_UNREACHABLE', { message: 'away' }), 'FETCH_UNREACHABLE', []], // prettier-ignore
])('failures: %s', (_, upstream, error, code, told) => {
  const known = asUnknownPart(request, upstream, error)
  expect(known.code).toBe(code)
  expect(settingsOf(known)).toEqual(told)
})
