import { afterAll, beforeAll, expect, it } from 'vitest'
import { startUpstream, type Upstream } from '../../../test/fixtures/upstream/index.ts'
import { digestOf, silentProgress } from '../../core/index.ts'
import { packageRequests } from './package-requests.ts'
import { createTestLoader, sourceOf, type TestLoader } from '../testing/test-loader.ts'

let upstream: Upstream
let loader: TestLoader
const wanted = { name: 'g++', version: '1:1.0~rc+1', architecture: 'amd64', sizeBytes: 1, sha256: '0'.repeat(64) }

beforeAll(async () => {
  upstream = await startUpstream({
    suites: [{ suite: 'bookworm', packages: [{ name: 'g++', version: '1:1.0~rc+1' }] }],
  })
  loader = await createTestLoader()
})

afterAll(async () => {
  await loader.fetcher.close()
  await upstream.close()
})

it('asks for a package at every address, encoded', async () => {
  const source = { ...(await sourceOf(upstream)), uris: ['http://a.example.org/', 'http://b.example.org/x/'] }
  const [request] = packageRequests(
    { source, baseUrls: source.uris },
    [{ ...wanted, filename: './pool/g++_1%3a1.0~rc_amd64.deb' }],
    loader,
  )
  expect(request).toMatchObject({
    label: 'g++ 1:1.0~rc+1 amd64',
    urls: [
      'http://a.example.org/pool/g%2B%2B_1%253a1.0~rc_amd64.deb',
      'http://b.example.org/x/pool/g%2B%2B_1%253a1.0~rc_amd64.deb',
    ],
  })
})

it.each(['../../etc/passwd', '/etc/passwd', 'pool/../../x', 'http://evil.example.org/x', 'a\nb', ''])(
  'refuses %j',
  async (filename) => {
    const source = await sourceOf(upstream)
    const make = () => packageRequests({ source, baseUrls: source.uris }, [{ ...wanted, filename }], loader)
    expect(make).toThrow(expect.objectContaining({ code: 'APT_FILENAME_REFUSED' }))
  },
)

it('brings a package into the store', async () => {
  const suite = await loader.load(await sourceOf(upstream))
  const filename = 'pool/main/g/g++/g++_1.0~rc+1_amd64.deb'
  const deb = upstream.repository.lookup(filename)!.bytes
  const promised = { sizeBytes: deb.length, sha256: digestOf(deb).slice('sha256:'.length) }
  const requests = packageRequests(suite, [{ ...wanted, ...promised, filename }], loader)
  const { signal } = new AbortController()
  const [result] = await loader.fetcher.fetchAll(requests, { signal, progress: silentProgress })
  expect(result).toMatchObject({ kind: 'fetched', digest: digestOf(deb) })
})
