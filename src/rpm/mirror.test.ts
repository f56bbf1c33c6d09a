import { closeSync, openSync, readdirSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import {
  makeRpmSigner,
  startRpmUpstream,
  type RpmUpstream,
  type RpmUpstreamOptions,
  type TestRpm,
} from '../../test/fixtures/rpm-upstream/index.ts'
import { failureOf, names } from './testing/published.ts'
import { createTestMirror, type TestMirror } from './testing/test-mirror.ts'

const key = await makeRpmSigner()
let upstream: RpmUpstream
let mirror: TestMirror

async function start(packages: TestRpm[], options: Partial<RpmUpstreamOptions> = {}): Promise<void> {
  upstream = await startRpmUpstream({ packages, key, ...options })
  mirror = await createTestMirror({ vendor: upstream }, key)
}

afterEach(async () => {
  await mirror.close()
  await upstream.close()
})

const web: TestRpm[] = [
  { name: 'nginx', version: '1.22', requires: ['openssl-libs >= 3.0', '/usr/bin/sh'] },
  { name: 'openssl-libs', version: '3.0.7', epoch: '1' },
  { name: 'bash', version: '5.1', files: { '/usr/bin/sh': '' } },
  { name: 'unrelated', version: '1' },
]

describe('a mirror', () => {
  it('holds the closure, under names of its own, with signatures, manifest and keys', async () => {
    await start(web.map((one) => ({ ...one, href: `odd%2Bplace/${one.name}/x.rpm` })))
    const published = await mirror.publish(['nginx'])
    expect(names(published)).toEqual(['bash-5.1-1', 'nginx-1.22-1', 'openssl-libs-1:3.0.7-1'])
    expect(published.packages.map(({ reason }) => reason)).toContain('listed')
    expect([...published.files.keys()].filter((path) => path.startsWith('Packages/')).sort()).toEqual([
      'Packages/b/bash-5.1-1.x86_64.rpm',
      'Packages/n/nginx-1.22-1.x86_64.rpm',
      'Packages/o/openssl-libs-3.0.7-1.x86_64.rpm',
    ])
    expect(published.held.map(({ digest }) => digest).sort()).toEqual(
      published.packages.map(({ digest }) => digest).sort(),
    )
    expect(published.files.get('repodata/repomd.xml.asc')?.toString()).toContain('PGP SIGNATURE')
    expect(published.files.get('keys/RPM-GPG-KEY-vendor')?.toString()).toContain('PUBLIC KEY BLOCK')
    expect(published.clientSetup('http://h.example.org').repo).toContain('gpgcheck=1')
  })

  it('goes on when what was compiled is damaged on the disk: it is compiled anew', async () => {
    await start(web)
    await mirror.publish(['nginx'])
    const [compiled, ...others] = readdirSync(mirror.cacheFolder).filter((name) => name.endsWith('.primary'))
    expect(others).toEqual([])
    const file = openSync(join(mirror.cacheFolder, compiled!), 'r+')
    writeSync(file, '-'.repeat(3000), 500)
    closeSync(file)
    expect((await failureOf(mirror.publish(['nginx', 'unrelated']))).code).toBe('CACHE_DAMAGED')
    expect(names(await mirror.publish(['nginx', 'unrelated']))).toHaveLength(4)
  })

  it('asks for filelists.xml only when a file is needed that primary.xml does not list', async () => {
    const font = { name: 'fonts', version: '1', files: { '/usr/share/fonts/a.ttf': 'x' } }
    await start([...web, font, { name: 'viewer', version: '1', requires: ['/usr/share/fonts/a.ttf'] }])
    await mirror.publish(['nginx'])
    expect(upstream.requestsFor(/filelists/)).toEqual([])
    expect(names(await mirror.publish(['viewer']))).toEqual(['fonts-1-1', 'viewer-1-1'])
    expect(upstream.requestsFor(/filelists/)).toHaveLength(1)
    const gone = await failureOf(mirror.publish(['/usr/share/nothing']))
    expect(gone.code).toBe('PACKAGE_UNKNOWN')
    expect(upstream.requestsFor(/filelists/)).toHaveLength(1)
  })

  it('asks for nothing again when nothing is new', async () => {
    await start(web)
    const first = await mirror.publish(['nginx'])
    upstream.clearLog()
    const second = await mirror.publish(['nginx'])
    expect(second.tree).toBe(first.tree)
    expect(upstream.requests.map(({ path, status }) => `${status} ${path}`)).toEqual(['304 repodata/repomd.xml'])
  })

  it.each(['sha512', 'sha1', 'sha'] as const)('learns what is promised by %s alone', async (hash) => {
    await start(web, { hash })
    const { packages } = await mirror.publish(['nginx'])
    expect(packages.every(({ digest }) => /^sha256:[0-9a-f]{64}$/.test(digest))).toBe(true)
    upstream.clearLog()
    await mirror.publish(['nginx', 'unrelated'])
    expect(upstream.requestsFor(/\.rpm$/).map(({ path }) => path)).toEqual(['Packages/u/unrelated-1-1.x86_64.rpm'])
  })

  it('prefers the first upstream for the same version, and takes the best from any', async () => {
    await start([
      { name: 'a', version: '1', summary: 'first' },
      { name: 'b', version: '1' },
    ])
    const other = await startRpmUpstream({
      packages: [
        { name: 'a', version: '1', summary: 'second' },
        { name: 'b', version: '2' },
      ],
      key,
    })
    const both = await createTestMirror({ vendor: upstream, other }, key)
    try {
      const { packages } = await both.publish(['a', 'b'])
      expect(packages.map(({ name, version, upstream: from }) => `${name} ${version} ${from}`)).toEqual([
        'a 1-1 vendor',
        'b 2-1 other',
      ])
    } finally {
      await both.close()
      await other.close()
    }
  })

  it('explains what is not there', async () => {
    await start([{ name: 'nginx', version: '1', requires: ['nothing >= 2'] }])
    expect((await failureOf(mirror.publish(['nginx']))).code).toBe('CLOSURE_UNSATISFIABLE')
    expect((await failureOf(mirror.publish(['ngnix']))).code).toBe('PACKAGE_UNKNOWN')
  })

  it('tells why, and what upstreams it has', async () => {
    await start(web)
    const [chain] = await mirror.why(['nginx'], 'openssl-libs')
    expect(chain?.steps.map((step) => step.package)).toEqual(['nginx', 'openssl-libs'])
    const [one] = await mirror.inspect(['nginx'])
    expect(one).toMatchObject({ upstream: 'vendor', addresses: [upstream.url], validUntil: undefined, notes: [] })
  })
})

describe('modules', () => {
  const release = '1.module+el9+1+abc'
  const node = (version: string): TestRpm => ({
    name: 'nodejs',
    version,
    release,
    modularityLabel: `nodejs:${version}`,
  })
  const stream = (version: string): string => `---
document: modulemd
version: 2
data:
  name: nodejs
  stream: "${version}"
  version: 9030020240101
  context: abcdef12
  arch: x86_64
  summary: node
  description: node
  license: {module: [MIT]}
  artifacts:
    rpms:
    - nodejs-0:${version}-${release}.x86_64
...
`

  it('are held with the metadata of the streams that are asked for, and no others', async () => {
    await start([node('18'), node('20')], { data: { modules: stream('18') + stream('20') } })
    const published = await mirror.publish(['nodejs'], { modules: ['nodejs:18'] })
    expect(names(published)).toEqual([`nodejs-18-${release}`])
    expect(published.text('modules')).toBe(stream('18'))
    expect((await failureOf(mirror.publish(['nodejs']))).code).toBe('PACKAGE_UNKNOWN')
  })

  it('without metadata are refused', async () => {
    await start([node('18')])
    expect((await failureOf(mirror.publish(['nodejs']))).code).toBe('RPM_MODULE_MISSING')
  })

  it('of which the metadata makes no sense are refused', async () => {
    await start([node('18')], { data: { modules: '---\ndocument: modulemd\nversion: 2\ndata: {name: nodejs}\n' } })
    expect((await failureOf(mirror.publish(['nodejs']))).code).toBe('RPM_MODULES_MALFORMED')
  })
})
