import { describe, expect, it } from 'vitest'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { makeSigner } from '../../../test/fixtures/upstream/index.ts'
import type { HostSource } from '../host/sources.ts'
import { aptUpstreamSchema } from '../upstream-config.ts'
import { findSuites, type SuiteQuery } from './find-suites.ts'
import type { Host } from './host.ts'
import { noHost } from '../testing/test-loader.ts'

const signer = await makeSigner()

function source(parts: Partial<HostSource>): HostSource {
  return {
    types: ['deb'],
    uris: ['http://deb.example.org/debian/'],
    suites: ['bookworm'],
    components: ['main', 'contrib'],
    signedBy: { kind: 'files', paths: ['/keys/a.gpg'] },
    file: '/etc/apt/sources.list',
    line: 1,
    ...parts,
  }
}

function host(sources: HostSource[], parts: Partial<Awaited<ReturnType<Host['aptConfig']>>> = {}): Host {
  return {
    aptConfig: async () => ({ ...(await noHost.aptConfig()), ...parts }),
    sources: async () => sources,
    readFile: async (path) => (path === '/keys/a.gpg' ? Buffer.from(signer.publicKeyArmored) : undefined),
  }
}

function find(query: Partial<SuiteQuery> & { config?: Record<string, unknown> }) {
  const config = aptUpstreamSchema.parse(query.config ?? { from: 'system' })
  return findSuites({
    upstream: { name: 'debian', config },
    suites: ['bookworm'],
    components: ['main'],
    architectures: ['amd64'],
    files: memoryFiles({ 'keys/b.asc': signer.publicKeyArmored }),
    host: noHost,
    ...query,
  })
}

describe('from: system', () => {
  it('takes the suite and its companions, in order, with what fits', async () => {
    const found = await find({
      host: host([
        source({ suites: ['bookworm-security'], uris: ['http://security.example.org/'], components: ['main'] }),
        source({ suites: ['bookworm-updates', 'bookworm'] }),
        source({ suites: ['bookworm-backports', 'trixie'] }),
        source({ suites: ['bookworm'], types: ['deb-src'], uris: ['http://src.example.org/'] }),
        source({ suites: ['bookworm'], components: ['games'], uris: ['http://games.example.org/'] }),
        source({ suites: ['bookworm'], uris: ['cdrom:[Disk]/'] }),
      ]),
    })
    expect(found.map(({ suite, uris, components }) => [suite, uris[0], components])).toEqual([
      ['bookworm', 'http://deb.example.org/debian/', ['main']],
      ['bookworm-updates', 'http://deb.example.org/debian/', ['main']],
      ['bookworm-security', 'http://security.example.org/', ['main']],
    ])
    expect(found[0]?.keyring?.keys).toHaveLength(1)
  })

  it('joins the components of entries for the same place', async () => {
    const entries = [source({ components: ['main'] }), source({ components: ['contrib'] })]
    const found = await find({ host: host(entries), components: undefined })
    expect(found.map(({ components }) => components)).toEqual([['main', 'contrib']])
  })

  it("does as the host's apt is set", async () => {
    const found = await find({
      host: host([source({ checkValidUntil: false, byHash: 'force', architectures: ['arm64'] })], {
        checkDate: false,
        httpProxy: 'http://proxy.example.org:3128',
      }),
      architectures: ['amd64', 'arm64'],
    })
    expect(found).toMatchObject([
      {
        checkValidUntil: false,
        checkDate: false,
        byHash: true,
        architectures: ['arm64'],
        proxy: { http: 'http://proxy.example.org:3128' },
      },
    ])
    const direct = { httpProxy: 'http://proxy.example.org', proxyByHost: { 'deb.example.org': 'DIRECT' } }
    expect((await find({ host: host([source({})], direct) }))[0]?.proxy).toEqual({})
  })

  it.each<[string, Partial<HostSource>, Record<string, unknown>]>([
    ['an inline key', { signedBy: { kind: 'inline', armored: signer.publicKeyArmored } }, { keyring: { keys: [{}] } }],
    [
      'fingerprints',
      {
        signedBy: {
          kind: 'fingerprints',
          fingerprints: [signer.fingerprint],
          paths: ['/keys/a.gpg', '/keys/gone.gpg'],
        },
      },
      { keyring: { onlyFingerprints: [signer.fingerprint] } },
    ],
    ['trusted=yes', { trusted: true }, { keyring: undefined, allowUnsigned: true }],
  ])('honours %s', async (_, parts, expected) => {
    expect(await find({ host: host([source(parts)]) })).toMatchObject([expected])
  })

  it('tells what there is when nothing fits', async () => {
    const none = find({ host: host([source({ suites: ['stable'] })]) })
    await expect(none).rejects.toMatchObject({ code: 'APT_SOURCES_NONE' })
    await expect(none).rejects.toThrow('stable (main, contrib)')
    await expect(find({})).rejects.toThrow('this host has no APT sources')
  })
})

describe('by address', () => {
  it('reads keys of the site and of the host', async () => {
    const config = { urls: ['http://a.example.org/x', 'http://b.example.org/x/'], keys: ['keys/b.asc', '/keys/a.gpg'] }
    const [found] = await find({ config, host: host([]), suites: ['./'] })
    expect(found).toMatchObject({ uris: ['http://a.example.org/x/', 'http://b.example.org/x/'], key: 'debian ./' })
    expect(found?.keyring?.keys).toHaveLength(2)
    await expect(find({ config: { ...config, keys: ['gone.asc'] } })).rejects.toMatchObject({
      code: 'KEYRING_UNREADABLE',
    })
  })

  it.each([
    [{ url: 'http://a.example.org/' }, 'keys are needed'],
    [{ keys: ['a'] }, 'one of url, urls and from is needed'],
    [{ url: 'http://a.example.org/', from: 'system' }, 'exclude each other'],
    [{ from: 'system', keys: ['a'] }, "the host's own keys"],
    [{ url: 'ftp://a.example.org/', keys: ['a'] }, 'an http:, https: or file: address'],
    [{ url: 'http://a.example.org/', keys: ['a'], suites: ['../x'] }, 'a suite such as'],
    [{ url: 'http://a.example.org/', keys: ['a'], suite: 'x' }, 'suite'],
  ])('%j is refused', (config, message) => {
    const parsed = aptUpstreamSchema.safeParse(config)
    expect(parsed.error?.issues.map((issue) => issue.message).join()).toContain(message)
  })
})
