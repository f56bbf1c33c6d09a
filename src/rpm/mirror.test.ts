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
import type { LarderError } from '../core/index.ts'
import { isLarderError, type ErrorCode } from '../core/index.ts'
import { makeRpm, type MakeRpmOptions } from './testing/make-rpm.ts'
import { signRpm } from './testing/sign-rpm.ts'
import { createTestMirror, type TestMirror } from './testing/test-mirror.ts'

const key = await makeRpmSigner()
const stranger = await makeRpmSigner('Somebody else')
let upstream: RpmUpstream
let mirror: TestMirror

async function start(
  packages: TestRpm[],
  options: Partial<RpmUpstreamOptions> = {},
  settings: Record<string, unknown> = {},
): Promise<void> {
  upstream = await startRpmUpstream({ packages, key, ...options })
  mirror = await createTestMirror({ vendor: upstream }, key, { vendor: settings })
}

afterEach(async () => {
  await mirror.close()
  await upstream.close()
})

async function failureOf(work: Promise<unknown>): Promise<LarderError> {
  const error: unknown = await work.then(
    () => expect.fail('it was published'),
    (thrown: unknown) => thrown,
  )
  if (isLarderError(error)) return error
  throw error
}

const names = ({ packages }: { packages: readonly { name: string; version: string }[] }): string[] =>
  packages.map(({ name, version }) => `${name}-${version}`)

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

describe('what an upstream may do wrong with packages', () => {
  const nginx: TestRpm = { name: 'nginx', version: '1.22' }
  const cases: [string, Partial<TestRpm>, ErrorCode, RegExp][] = [
    ['no signature', { signed: false }, 'SIGNATURE_MISSING', /upstream vendor: .*nginx-1\.22-1/],
    [
      'a signature of another key',
      { signer: stranger },
      'SIGNATURE_UNTRUSTED',
      new RegExp(stranger.fingerprint.slice(-16), 'i'),
    ],
    ['no package at all', { rpm: Buffer.from('<html>') }, 'RPM_MALFORMED', /nginx/],
    ['another size', { promised: { sizeBytes: 17 } }, 'FETCH_TOO_LARGE', /nginx/],
    ['fewer bytes', { promised: { sizeBytes: 1_000_000 } }, 'SIZE_MISMATCH', /nginx/],
    ['another checksum', { promised: { checksum: 'ab'.repeat(32) } }, 'DIGEST_MISMATCH', /nginx/],
    ['a place elsewhere', { base: 'http://elsewhere.example.org/' }, 'RPM_HREF_REFUSED', /elsewhere/],
    ['a place on this host', { base: 'file:///etc/' }, 'RPM_HREF_REFUSED', /file:/],
  ]
  it.each(cases)('%s', async (_name, wrong, code, message) => {
    await start([
      { ...nginx, ...wrong },
      { name: 'other', version: '1' },
    ])
    const error = await failureOf(mirror.publish(['nginx']))
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)])
    expect(names(await mirror.publish(['other']))).toEqual(['other-1-1'])
  })

  const lib: TestRpm = { name: 'lib', version: '1' }
  const lies: [string, Partial<MakeRpmOptions>, Partial<TestRpm>, RegExp][] = [
    [
      'leaves out a requirement',
      { requires: ['lib >= 2'] },
      {},
      /nginx-1\.22-1\.x86_64: .* leaves out .* requires lib >= 2/,
    ],
    ['leaves out a conflict', { conflicts: ['lib'] }, {}, /leaves out that it conflicts with lib/],
    ['adds a requirement', {}, { requires: ['lib'] }, /says that it requires lib/],
    ['adds what it provides', {}, { provides: ['web-server'] }, /says that it provides web-server/],
    ['adds what it replaces', {}, { obsoletes: ['httpd'] }, /says that it obsoletes httpd/],
    ['adds a program', {}, { files: { '/usr/bin/nginx': '' } }, /\/usr\/bin\/nginx/],
  ]
  it.each(lies)('metadata that %s, of a package that is rightly signed', async (_, actual, stated, message) => {
    const rpm = await signRpm(makeRpm({ name: 'nginx', version: '1.22', ...actual }), key.privateKey)
    await start([{ ...nginx, ...stated, rpm }, lib])
    const error = await failureOf(mirror.publish(['nginx']))
    expect([error.code, error.message]).toEqual(['RPM_HEADER_MISMATCH', expect.stringMatching(message)])
    expect(error.context).toEqual({ upstream: 'vendor', package: 'nginx-1.22-1.x86_64' })
    expect(names(await mirror.publish(['lib']))).toEqual(['lib-1-1'])
  })

  it('filelists.xml that adds a file, as soon as somebody needs it', async () => {
    const wanted = '/usr/share/wanted'
    const rpm = await signRpm(makeRpm({ name: 'nginx', version: '1.22' }), key.privateKey)
    await start([
      { ...nginx, files: { [wanted]: '' }, rpm },
      { ...lib, requires: [wanted] },
    ])
    expect(names(await mirror.publish(['nginx']))).toEqual(['nginx-1.22-1'])
    const error = await failureOf(mirror.publish(['nginx', 'lib']))
    expect([error.code, error.message]).toEqual(['RPM_HEADER_MISMATCH', expect.stringContaining(wanted)])
  })

  it.each(['../../etc/passwd', '/etc/passwd', 'a/%2e%2e/b.rpm', 'http://elsewhere.example.org/x.rpm', 'a\\b.rpm'])(
    'the place %s: as if the package were not there',
    async (href) => {
      await start([
        { ...nginx, href },
        { name: 'other', version: '1' },
      ])
      expect((await failureOf(mirror.publish(['nginx']))).code).toMatch(/PACKAGE_UNKNOWN|RPM_HREF_REFUSED/)
      const other = await mirror.publish(['other'])
      expect(names(other)).toEqual(['other-1-1'])
      expect(other.notes).toEqual([expect.stringMatching(/1 package cannot be used: nginx/)])
    },
  )

  it('unsigned packages where that is allowed, which clients are told of', async () => {
    await start([{ ...nginx, signed: false }], {}, { gpgcheck: false })
    const published = await mirror.publish(['nginx'])
    expect(published.clientSetup('http://h.example.org').repo).toContain('gpgcheck=0')
  })

  it('a package that was verified by nobody is looked at when the upstream asks for it', async () => {
    await start([{ ...nginx, signed: false }], {}, { gpgcheck: false })
    await mirror.publish(['nginx'])
    const strict = await createTestMirror({ vendor: upstream }, key)
    try {
      expect((await failureOf(strict.publish(['nginx']))).code).toBe('SIGNATURE_MISSING')
    } finally {
      await strict.close()
    }
  })

  it('packages that are gone', async () => {
    await start([nginx])
    upstream.fault('Packages/*', { kind: 'vanish' })
    expect((await failureOf(mirror.publish(['nginx']))).code).toBe('RPM_UPSTREAM_CHANGED')
    upstream.clearFaults()
    expect(names(await mirror.publish(['nginx']))).toEqual(['nginx-1.22-1'])
  })

  it.each(['<!DOCTYPE x [<!ENTITY a "aaaa">]><metadata>&a;</metadata>', '<metadata>', 'no XML'])(
    'primary.xml that is %s',
    async (primary) => {
      await start([nginx], { texts: { primary } })
      expect((await failureOf(mirror.publish(['nginx']))).code).toBe('RPM_XML_MALFORMED')
    },
  )
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
