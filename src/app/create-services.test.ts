import { hostname } from 'node:os'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock, type KindContext } from '../core/index.ts'
import { memoryFiles } from '../core/testing/memory-files.ts'
import { createServiceMemory } from '../fleet/index.ts'
import type { RunLimit } from '../pipeline/index.ts'
import { openDatabase, type State } from '../state/index.ts'
import { createServices, type ServicesOptions } from './create-services.ts'

let state: State
beforeEach(async () => {
  state = await openDatabase({ path: ':memory:', clock: systemClock })
})
afterEach(() => state.close())

type Own = ReturnType<ServicesOptions['ownRegistry']>

interface Declared {
  own?: Own
  published?: readonly string[]
  limits?: ReadonlyMap<number, RunLimit>
}

function services({ own, published = [], limits = new Map() }: Declared = {}) {
  return createServices({
    machines: {} as ServicesOptions['machines'],
    memory: createServiceMemory(state, systemClock, (text) => text),
    serving: () => ({ names: () => [] }) as never,
    addressFor: () => 'http://10.0.0.1:7420',
    limitOf: async (id) => limits.get(id),
    ownRegistry: () => own,
    publishedImage: async (_, version = published.at(-1)) =>
      version !== undefined && published.includes(version) ? { digest: `sha256:${version}`, version } : undefined,
  })
}

/** A commit whose images.json names version 2, built of this branch. */
const contextOf = (branch: string): KindContext =>
  ({
    files: memoryFiles({
      'images.json': '[{ "service_name": "counter", "type": "Docker", "version": "2" }]',
      'counter/Dockerfile': 'FROM scratch',
    }),
    site: { images: { list: 'images.json', on: { branch } } },
  }) as unknown as KindContext

describe('the version that services run', () => {
  it('is that of the same commit', async () => {
    const { options } = services({ published: ['2', '3'] })
    expect(await options.image(contextOf('main'), 'counter')).toEqual({
      reference: '10.0.0.1:7420/counter@sha256:2',
      digest: 'sha256:2',
      version: '2',
    })
  })

  it('is the newest where images are built of another branch', async () => {
    const { options } = services({ published: ['1', '3'] })
    expect((await options.image(contextOf('develop'), 'counter')).version).toBe('3')
  })

  it('is not known before it is published', async () => {
    const { options } = services({ published: ['1'] })
    const message = 'Version 2 of the image counter is not published.'
    await expect(options.image(contextOf('main'), 'counter')).rejects.toMatchObject({
      code: 'FLEET_IMAGE_UNKNOWN',
      message,
    })
  })
})

describe('the registry that machines pull from', () => {
  it.each<[string, Own, object]>([
    ['is where mirrors are, without TLS', undefined, { host: '10.0.0.1:7420', isPlain: true }],
    [
      'is not that which is named after this host by default',
      { host: 'localhost:7443', publicHost: `${hostname()}:7443`, authority: () => 'PEM' },
      { host: '10.0.0.1:7420', isPlain: true },
    ],
    [
      'is that which has been named, with TLS',
      { host: 'localhost:7443', publicHost: 'registry.example.org:7443', authority: () => 'PEM' },
      { host: 'registry.example.org:7443', authority: 'PEM', isPlain: false },
    ],
    [
      'has no authority to be told of where everybody trusts who has certified it',
      { host: 'localhost:7443', publicHost: 'registry.example.org:7443', authority: () => undefined },
      { host: 'registry.example.org:7443', isPlain: false },
    ],
  ])('%s', async (_, own, registry) => {
    expect(await services({ own }).options.registry(contextOf('main'))).toEqual({ authority: undefined, ...registry })
  })
})

it('a run begins one service anew', async () => {
  const limits = new Map<number, RunLimit>([
    [7, { restart: 'counter' }],
    [8, { machines: ['web-1'] }],
  ])
  const { restartOf } = services({ limits }).options
  expect(await Promise.all(['7', '8', '9'].map(restartOf))).toEqual(['counter', undefined, undefined])
})
