import { afterEach, describe, expect, it } from 'vitest'
import {
  makeRpmSigner,
  startRpmUpstream,
  type RpmUpstream,
  type RpmUpstreamOptions,
  type TestRpm,
} from '../../test/fixtures/rpm-upstream/index.ts'
import type { ErrorCode } from '../core/index.ts'
import { makeRpm, type MakeRpmOptions } from './testing/make-rpm.ts'
import { failureOf, names } from './testing/published.ts'
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
