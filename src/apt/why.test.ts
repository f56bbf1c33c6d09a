import { describe, expect, it } from 'vitest'
import { universeOf } from '../../test/fixtures/universe-of.ts'
import { resolveClosure } from './closure.ts'
import { why } from './why.ts'

describe('why', () => {
  const build = () =>
    universeOf([
      [
        ['nginx 1', { Depends: 'nginx-core, libc6', Recommends: 'logrotate' }],
        ['nginx-core 1', { Depends: 'libssl3 (>= 1)' }],
        ['curl 7', { Depends: 'libssl3' }],
        ['libssl3 3', { 'Pre-Depends': 'libc6' }],
        ['libc6 2'],
        ['logrotate 1'],
        ['dash 1', { Essential: 'yes', Depends: 'libc6' }],
        ['loop 1', { Depends: 'loop2' }],
        ['loop2 1', { Depends: 'loop, libssl3' }],
      ],
    ])
  const listed = ['nginx', 'curl', 'loop'].map((name) => ({ name, exclude: [] }))

  it.each([
    [
      'libssl3',
      [
        'curl listed, libssl3 Depends libssl3',
        'nginx listed, nginx-core Depends nginx-core, libssl3 Depends libssl3 (>= 1)',
        'loop listed, loop2 Depends loop2, libssl3 Depends libssl3',
      ],
    ],
    ['logrotate', ['nginx listed, logrotate Recommends logrotate']],
    ['curl', ['curl listed']],
    ['nothing', []],
  ])('%s: the shortest chain of each that was listed', async (name, expected) => {
    const universe = await build()
    const closure = resolveClosure(universe, { listed, base: 'essential', recommends: true })
    const chains = why(universe, closure, { name })
    const told = chains.map(({ steps }) => steps.map((step) => `${step.package} ${step.because}`).join(', '))
    expect(told.toSorted()).toEqual(expected.toSorted())
    expect(chains.map(({ steps }) => steps.length)).toEqual(chains.map(({ steps }) => steps.length).toSorted())
  })

  it('names the base, versions, and no more chains than asked for', async () => {
    const universe = await build()
    const closure = resolveClosure(universe, { listed, base: 'essential' })
    expect(why(universe, closure, { name: 'libc6' })).toContainEqual({
      steps: [
        { package: 'dash', version: '1', because: 'base' },
        { package: 'libc6', version: '2', because: 'Depends libc6' },
      ],
    })
    expect(why(universe, closure, { name: 'libc6', limit: 2 })).toHaveLength(2)
  })
})
