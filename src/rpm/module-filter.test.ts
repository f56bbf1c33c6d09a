import { describe, expect, it } from 'vitest'
import { isLarderError } from '../core/index.ts'
import { type ClosureRequest, resolveClosure } from './closure.ts'
import type { ModuleBuild } from './closure/request.ts'
import { filterModules } from './module-filter.ts'
import { type Entry, rpmUniverseOf } from './testing/rows-of.ts'

const entries: Entry[] = [
  ['nodejs 16-1', { requires: ['nodejs-libs = 16'] }],
  ['nodejs-libs 16-1'],
  ['nodejs 18-1', { requires: ['nodejs-libs = 18'] }],
  ['nodejs-libs 18-1'],
  ['nodejs-docs 18-1 noarch'],
  ['nodejs 18-0'],
  ['nodejs 99-1'],
  ['nodejs-compat', { provides: ['nodejs = 99'] }],
  ['perl 5.26-1'],
  ['perl 5.32-1'],
  ['perl-DBI 1:1.6-1', { requires: ['perl = 5.32'] }],
  ['app', { requires: ['nodejs'] }],
]
const build = (stream: string, artifacts: string[], more: Partial<ModuleBuild> = {}): ModuleBuild => ({
  module: stream.slice(0, stream.indexOf(':')),
  stream: stream.slice(stream.indexOf(':') + 1),
  version: '20',
  context: 'c1',
  artifacts,
  ...more,
})
const builds = [
  build('nodejs:16', ['nodejs-0:16-1.x86_64', 'nodejs-libs-0:16-1.x86_64', 'nodejs-0:16-1.src']),
  build('nodejs:18', [
    'nodejs-0:18-1.x86_64',
    'nodejs-libs-0:18-1.x86_64',
    'nodejs-docs-0:18-1.noarch',
    'nodejs-devel-0:18-1.x86_64',
    'nodejs-devel-0:18-1.s390x',
  ]),
  build('nodejs:18', ['nodejs-0:18-0.x86_64'], { version: '9' }),
  build('perl:5.26', ['perl-0:5.26-1.x86_64']),
  build('perl:5.32', ['perl-0:5.32-1.x86_64']),
  build('perl-DBI:1.6', ['perl-DBI-1:1.6-1.x86_64'], { requires: { perl: ['5.32'] } }),
]

function resolve(names: string[], { streams = [], defaults = {} }: { streams?: string[]; defaults?: object } = {}) {
  const universe = rpmUniverseOf([entries])
  const request: ClosureRequest = {
    listed: names.map((name) => ({ name, exclude: [] })),
    modules: { builds, defaults: defaults as Record<string, string> },
    streams,
  }
  const closure = resolveClosure(universe, request)
  return { closure, names: Array.from(closure.rows, (row) => `${universe.name(row)} ${universe.version(row)}`) }
}

describe('modules', () => {
  it('hides packages of streams that are not active', () => {
    expect(resolve(['nodejs']).names).toEqual(['nodejs 99-1'])
    expect(resolve(['app']).closure.streams).toEqual([])
  })

  it.each([
    ['named by the mirror', { streams: ['nodejs:18'] }],
    ['the default one', { defaults: { nodejs: '18' } }],
    ['named in place of the default one', { streams: ['nodejs:18'], defaults: { nodejs: '16' } }],
  ])('keeps the stream whole, %s, and masks other packages of its names', (_, options) => {
    const { closure, names } = resolve(['app'], options)
    expect(names).toEqual(['app 1-1', 'nodejs 18-1', 'nodejs-docs 18-1', 'nodejs-libs 18-1'])
    expect(closure.streams).toEqual(['nodejs:18'])
    expect(closure.notes).toEqual(['of the module nodejs:18, no upstream has nodejs-devel-0:18-1.x86_64'])
    expect(closure.reason(closure.rows[2]!)).toBe('module nodejs:18')
  })

  it('takes all of a listed stream, whatever the default is', () => {
    const { names } = resolve(['@nodejs:16'], { defaults: { nodejs: '18' } })
    expect(names).toEqual(['nodejs 16-1', 'nodejs-libs 16-1'])
  })

  it('makes active what an active stream needs, in place of what nobody named', () => {
    expect(resolve(['perl-DBI'], { streams: ['perl-DBI:1.6'] }).names).toEqual(['perl 5.32-1', 'perl-DBI 1:1.6-1'])
  })

  it('leaves out a build that was made against another stream', () => {
    const universe = rpmUniverseOf([entries])
    const { active } = filterModules(universe, {
      metadata: { builds, defaults: {} },
      streams: ['perl-DBI:1.6', 'perl:5.26'],
    })
    expect(active.map(({ stream }) => stream)).toEqual(['perl:5.26'])
  })

  it('tells of streams where a dependency is hidden', () => {
    const universe = rpmUniverseOf([[['tool', { requires: ['nodejs-libs'] }], ['nodejs-libs 18-1']]])
    const resolveTool = () =>
      resolveClosure(universe, { listed: [{ name: 'tool', exclude: [] }], modules: { builds, defaults: {} } })
    expect(resolveTool).toThrow(
      'tool → nodejs-libs: only nodejs-libs-18-1, which is in a stream of a module that is not active: nodejs:18',
    )
  })

  it.each([
    [
      'perl-DBI',
      'perl-DBI is only in streams of modules that are not active: perl-DBI:1.6; write modules: [perl-DBI:1.6] in the mirror, or list @perl-DBI:1.6',
    ],
    ['@nodejs:20', 'no upstream has the module nodejs:20: only nodejs:16, nodejs:18'],
    ['@nodjs:18', 'no upstream has the module nodjs:18'],
  ])('%s is refused with the streams that there are', (name, message) => {
    try {
      resolve([name])
    } catch (error) {
      expect(isLarderError(error, 'PACKAGE_UNKNOWN') && error.context['problems']).toMatchObject([{ message }])
      return
    }
    throw new Error('it was not refused')
  })
})
