import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import { compress, makeSigner, startUpstream, type Fault, type Upstream } from '../fixtures/upstream/index.ts'
import type { RunDetail } from '../../src/app/controller.ts'
import { complaint, createAptClient, fetchSource, type AptClient } from './support/apt-client.ts'
import { forgeRelease } from './support/forge-release.ts'
import { startInnerController, type InnerController } from './support/inner-controller.ts'
import { createSiteClone } from './support/site-clone.ts'
import { larderYaml, packageList } from './support/site-text.ts'
import { waitForRuns, waitForSuccess } from './support/wait-for-run.ts'
import { openWorkspace, type Workspace } from './support/workspace.ts'

/** More than anything that the honest upstream has: nothing like it may get into the store. */
const mostBlobBytes = 64 * 1024
const hourMs = 3600_000
/** What is published last is newer than any before it, each of which may be a second ahead of the clock. */
const newsAheadMs = 5_000
const oldKey = { createdAt: new Date('2020-01-01T00:00:00Z'), expiresInSeconds: 3600 }

interface Scene {
  upstream: Upstream
  workspace: Workspace
  /** Keys that the site trusts besides the upstream's own. */
  otherKeys: { expired: Awaited<ReturnType<typeof makeSigner>>; revoked: Awaited<ReturnType<typeof makeSigner>> }
}

type Attack = [name: string, codes: string[], attack: (scene: Scene) => Promise<void> | void]

/** The upstream has something new; `change` makes it wrong. */
const release =
  (change: (scene: Scene) => Record<string, unknown> | Promise<Record<string, unknown>>) => async (scene: Scene) => {
    Object.assign(scene.upstream.suite('stable'), await change(scene))
    await publishNews(scene.upstream)
  }
const fault =
  (pattern: RegExp, kind: Fault) =>
  async ({ upstream }: Scene) => {
    await publishNews(upstream)
    upstream.fault(pattern, kind)
  }
const stanza =
  (fields: Record<string, unknown>) =>
  async ({ upstream }: Scene) => {
    upstream.suite('stable').packages.push({ name: 'evil', version: '1.0', ...fields })
    upstream.suite('stable').packages[0]!.fields = { Depends: 'evil' }
    await publishNews(upstream)
  }
const index = /Packages|by-hash/
const deb = /web_2\.0.*\.deb/
const zeros = (): Buffer => Buffer.alloc(40 * 1024 ** 2)

const attacks: Attack[] = [
  ['a Release changed on its way', ['SIGNATURE_BAD'], changedRelease],
  ['a Release signed by a stranger', ['SIGNATURE_UNTRUSTED'], release(async () => ({ signers: [await makeSigner()] }))],
  ['a Release without a signature', ['SIGNATURE_MISSING'], release(() => ({ signers: [] }))],
  [
    'a Release signed by an expired key',
    ['SIGNATURE_KEY_EXPIRED'],
    release((scene) => ({ signers: [scene.otherKeys.expired], date: new Date('2020-01-01T00:30:00Z') })),
  ],
  [
    'a Release signed by a revoked key',
    ['SIGNATURE_KEY_REVOKED'],
    release((scene) => ({ signers: [scene.otherKeys.revoked] })),
  ],
  ['an older Release', ['APT_RELEASE_REPLAYED'], release(() => ({ date: new Date(Date.now() - hourMs) }))],
  [
    'a Release past its Valid-Until',
    ['APT_RELEASE_EXPIRED'],
    release(() => ({ validUntil: new Date(Date.now() - hourMs) })),
  ],
  ['a Release from the future', ['APT_RELEASE_FUTURE'], release(() => ({ date: new Date(Date.now() + 48 * hourMs) }))],
  ['a Release of another suite', ['APT_SUITE_MISMATCH'], release(() => ({ suiteName: 'other', codename: 'other' }))],
  ['a Release with weak checksums alone', ['APT_RELEASE_MALFORMED'], release(() => ({ hashes: ['MD5Sum'] }))],
  ['no Release at all', ['APT_RELEASE_MISSING'], fault(/Release/, { kind: 'vanish' })],
  ['an endless Release', ['FETCH_TOO_LARGE'], fault(/Release/, { kind: 'endless' })],
  ['an index cut off', ['FETCH_TRUNCATED'], fault(index, { kind: 'truncate', afterBytes: 50 })],
  ['an index that is too long', ['FETCH_TOO_LARGE'], fault(index, { kind: 'oversize', extraBytes: 100 })],
  ['an index with a wrong byte', ['DIGEST_MISMATCH', 'APT_UPSTREAM_CHANGED'], fault(index, { kind: 'wrong-bytes' })],
  ['an index that is not there', ['APT_INDEX_MISSING'], fault(index, { kind: 'vanish' })],
  ['an index that never comes', ['FETCH_TOO_SLOW'], fault(index, { kind: 'stall', afterBytes: 20 })],
  ['a package cut off', ['FETCH_TRUNCATED'], fault(deb, { kind: 'truncate', afterBytes: 50 })],
  [
    'a package that is too long',
    ['FETCH_TOO_LARGE'],
    fault(deb, { kind: 'oversize', extraBytes: 10, declared: false }),
  ],
  ['a package without end', ['FETCH_TOO_LARGE'], fault(deb, { kind: 'endless' })],
  ['a package with a wrong byte', ['DIGEST_MISMATCH'], fault(deb, { kind: 'wrong-bytes' })],
  [
    'a package that is too short',
    ['SIZE_MISMATCH', 'DIGEST_MISMATCH', 'FETCH_TRUNCATED'],
    fault(deb, { kind: 'short', sizeBytes: 60 }),
  ],
  ['a package that is not there', ['APT_UPSTREAM_CHANGED'], fault(deb, { kind: 'vanish' })],
  ['a package that is gone for now', ['FETCH_BUSY', 'FETCH_UNREACHABLE'], fault(deb, { kind: 'status', status: 503 })],
  ['a package that never comes', ['FETCH_TOO_SLOW'], fault(deb, { kind: 'stall', afterBytes: 20 })],
  ['a package that drips', ['FETCH_TOO_SLOW'], fault(deb, { kind: 'drip', bytesPerSecond: 20 })],
  [
    'redirects in a circle',
    ['FETCH_STATUS', 'FETCH_URL_REFUSED', 'FETCH_UNREACHABLE'],
    fault(deb, { kind: 'redirect', location: 'web_2.0_amd64.deb' }),
  ],
  [
    'a redirect to a file of this host',
    ['FETCH_URL_REFUSED', 'FETCH_STATUS'],
    fault(deb, { kind: 'redirect', location: 'file:///etc/passwd' }),
  ],
  [
    'a Filename above the repository',
    ['CLOSURE_UNSATISFIABLE'],
    stanza({ filename: '../../../../tmp/larder-e2e-evil.deb' }),
  ],
  ['a Filename from the root', ['CLOSURE_UNSATISFIABLE'], stanza({ filename: '/tmp/larder-e2e-evil.deb' })],
  [
    'a Filename with dots in the middle',
    ['CLOSURE_UNSATISFIABLE'],
    stanza({ filename: 'pool/../../tmp/larder-e2e-evil.deb' }),
  ],
  [
    'a Filename with dots in disguise',
    ['CLOSURE_UNSATISFIABLE'],
    stanza({ filename: 'pool/%2e%2e/%2e%2e/larder-e2e-evil.deb' }),
  ],
  [
    'a name that is a command',
    ['APT_STANZA_MALFORMED', 'CLOSURE_UNSATISFIABLE'],
    stanza({ name: 'evil;touch$IFS/tmp/larder-e2e-evil' }),
  ],
  [
    'a name that is a path',
    ['APT_STANZA_MALFORMED', 'CLOSURE_UNSATISFIABLE'],
    stanza({ name: '../../tmp/larder-e2e-evil' }),
  ],
  [
    'a version that is a command',
    ['APT_STANZA_MALFORMED', 'CLOSURE_UNSATISFIABLE'],
    stanza({ version: '1.0$(touch${IFS}/tmp/larder-e2e-evil)' }),
  ],
  [
    'a version that is a path',
    ['APT_STANZA_MALFORMED', 'CLOSURE_UNSATISFIABLE'],
    stanza({ version: '1/../../../../tmp/larder-e2e-evil' }),
  ],
  [
    'an xz bomb',
    ['DECOMPRESS_BOMB'],
    ({ upstream }) => forgeRelease(upstream, { packed: compress(zeros(), 'xz'), unpackedBytes: 1000 }),
  ],
  [
    'a gz bomb',
    ['DECOMPRESS_BOMB'],
    ({ upstream }) => forgeRelease(upstream, { packed: compress(zeros(), 'gz'), unpackedBytes: 1000 }, 'gz'),
  ],
  ['a stanza of 100 MB', ['APT_STANZA_MALFORMED'], hugeStanza],
]

it.each(attacks)('%s → %j, and clients notice nothing', async (_name, codes, attack) => {
  await using workspace = await openWorkspace()
  const upstream = await startUpstream({ suites: [{ suite: 'stable', packages: [{ name: 'web', version: '1.0' }] }] })
  const otherKeys = { expired: await makeSigner(oldKey), revoked: await makeSigner({ revoked: true }) }
  try {
    await using controller = await startInnerController(workspace.path('data'))
    await pushSite(
      controller,
      workspace,
      [upstream.key, otherKeys.expired.publicKeyArmored, otherKeys.revoked.publicKeyArmored],
      upstream.url,
    )
    await waitForSuccess(controller.client)
    const client = await createAptClient(workspace.path('client'))
    await client.setSource(await fetchSource(controller.url, 'base'))
    const before = await seen(controller, client)
    expect(before).toMatchObject({ candidate: '1.0', debs: ['web_1.0_amd64.deb'], wrong: [] })

    await attack({ upstream, workspace, otherKeys })
    const run = await syncAndWait(controller)
    expect(codes, JSON.stringify(run)).toContain(run.error?.code)
    expect(run).toMatchObject({ state: 'failed', error: { message: expect.stringMatching(/\S/) as string } })
    expect(await seen(controller, client)).toEqual(before)
    for await (const { sizeBytes } of controller.larder.context.store.list())
      expect(sizeBytes).toBeLessThan(mostBlobBytes)
    expect(existsSync('/tmp/larder-e2e-evil')).toBe(false)
    expect(existsSync('/tmp/larder-e2e-evil.deb')).toBe(false)

    upstream.clearFaults()
    Object.assign(upstream.suite('stable'), {
      signers: undefined,
      date: new Date(Date.now() + newsAheadMs),
      validUntil: undefined,
      suiteName: undefined,
      codename: undefined,
      hashes: undefined,
    })
    delete (upstream.repository as { lookup?: unknown }).lookup
    upstream.suite('stable').packages.splice(0, Infinity, { name: 'web', version: '3.0' })
    await upstream.publish()
    const mended = await syncAndWait(controller)
    expect(mended, JSON.stringify(mended.error)).toMatchObject({ state: 'succeeded' })
    expect(await seen(controller, client)).toMatchObject({ candidate: '3.0', debs: ['web_3.0_amd64.deb'], wrong: [] })
  } finally {
    await upstream.close()
  }
})

it('two upstreams that disagree on a checksum: the first by preference is taken, and it is said', async () => {
  await using workspace = await openWorkspace()
  const one = await startUpstream({ suites: [{ suite: 'stable', packages: [{ name: 'web', version: '1.0' }] }] })
  const other = await startUpstream({
    suites: [{ suite: 'stable', packages: [{ name: 'web', version: '1.0', files: { 'usr/share/web': 'another' } }] }],
  })
  try {
    await using controller = await startInnerController(workspace.path('data'))
    const site = await createSiteClone(workspace.path('site'))
    await site.commit({
      'larder.yaml': larderYaml({ one: one.url, other: other.url }, { base: { upstreams: ['other', 'one'] } }),
      'keys/one.asc': one.key,
      'keys/other.asc': other.key,
      'packages.json': packageList(['web']),
    })
    const { accepted, remote, output } = await site.push(controller)
    expect(accepted, output).toBe(true)
    expect(remote.join('\n')).toMatch(/note: .*web.*1\.0.*(?:one|other)/)
    await waitForSuccess(controller.client)
    const [pkg] = await controller.client.packages('base')
    const bytes = other.repository.lookup('pool/main/w/web/web_1.0_amd64.deb')!.bytes
    expect(pkg).toMatchObject({
      upstream: 'other',
      digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    })
    expect(one.requestsFor(/\.deb$/)).toEqual([])
  } finally {
    await Promise.all([one.close(), other.close()])
  }
})

it('an upstream that changes in the middle is read through by-hash as it was promised', async () => {
  await using workspace = await openWorkspace()
  const upstream = await startUpstream({ suites: [{ suite: 'stable', packages: [{ name: 'web', version: '1.0' }] }] })
  try {
    await using controller = await startInnerController(workspace.path('data'))
    const promised = upstream.repository.lookup('dists/stable/InRelease')!.bytes
    await publishNews(upstream)
    upstream.fault('dists/stable/InRelease', { kind: 'replace', bytes: promised }, { times: 1 })
    upstream.suite('stable').packages.push({ name: 'web', version: '1.0' })
    await upstream.publish()
    await pushSite(controller, workspace, [upstream.key], upstream.url)
    await waitForSuccess(controller.client)
    expect(await controller.client.packages('base')).toMatchObject([{ name: 'web', version: '1.0' }])
  } finally {
    await upstream.close()
  }
})

const bombs: [string, () => string][] = [
  ['aliases that multiply', billionLaughs],
  ['an alias of itself', () => 'site: &a [*a]\n'],
  ['40 MB', () => `site: ${'x'.repeat(40 * 1024 ** 2)}\n`],
  ['10,000 levels', () => `site: ${'['.repeat(10_000)}${']'.repeat(10_000)}\n`],
]

it.each(bombs)('larder.yaml with %s is refused when it is pushed', async (_name, text) => {
  await using workspace = await openWorkspace()
  await using controller = await startInnerController(workspace.path('data'))
  const site = await createSiteClone(workspace.path('site'))
  await site.commit({ 'larder.yaml': text() })
  const { accepted, remote } = await site.push(controller)
  expect(accepted).toBe(false)
  expect(remote.join('\n')).toMatch(/larder\.yaml/)
  expect((await fetch(`${controller.url}/healthz`)).status).toBe(200)
})

it.each(['web;reboot', '$(id)', '../web', '-rf', '`id`', 'a b|c', 'wéb'])(
  'the listed name %j is refused at its place',
  async (name) => {
    await using workspace = await openWorkspace()
    await using controller = await startInnerController(workspace.path('data'))
    const site = await createSiteClone(workspace.path('site'))
    await site.commit({
      'larder.yaml': larderYaml({ test: 'http://127.0.0.1:1/' }, { base: {} }),
      'keys/test.asc': (await makeSigner()).publicKeyArmored,
      'packages.json': `[\n  ${JSON.stringify({ name })}\n]\n`,
    })
    const { accepted, remote } = await site.push(controller)
    expect(accepted).toBe(false)
    expect(remote.join('\n')).toMatch(/packages\.json:2:\d+: /)
  },
)

async function pushSite(
  controller: InnerController,
  workspace: Workspace,
  keys: readonly string[],
  url: string,
): Promise<void> {
  const site = await createSiteClone(workspace.path('site'))
  const names = keys.map((_, at) => `keys/${at}.asc`)
  await site.commit({
    'larder.yaml': larderYaml({ test: url }, { base: {} }).replace('[keys/test.asc]', `[${names.join(', ')}]`),
    ...Object.fromEntries(keys.map((key, at) => [names[at]!, key])),
    'packages.json': packageList(['web']),
  })
  const { accepted, output } = await site.push(controller)
  expect(accepted, output).toBe(true)
}

async function syncAndWait({ client }: InnerController): Promise<RunDetail> {
  await client.sync()
  return waitForRuns(client)
}

/** What clients of the mirror see: by the controller's own word, and by the real apt. */
async function seen({ client }: InnerController, apt: AptClient) {
  const { publication } = await client.mirror('base')
  const said = [await apt.aptGet('clean'), await apt.update()]
  const { debs, output } = await apt.download('web')
  const wrong = [...said.map((one) => one.output), output].filter((text) => complaint.test(text))
  return { publication, candidate: await apt.candidate('web'), debs, wrong, findings: await client.verify('base') }
}

async function publishNews(upstream: Upstream): Promise<void> {
  const [first] = upstream.suite('stable').packages
  upstream.suite('stable').packages[0] = { ...first!, version: '2.0' }
  await upstream.publish()
}

async function changedRelease({ upstream }: Scene): Promise<void> {
  await publishNews(upstream)
  const { bytes } = upstream.repository.lookup('dists/stable/InRelease')!
  upstream.fault(/InRelease/, {
    kind: 'replace',
    bytes: Buffer.from(bytes.toString().replace('Origin: Test', 'Origin: Evil')),
  })
}

async function hugeStanza({ upstream }: Scene): Promise<void> {
  const text = Buffer.concat([
    Buffer.from('Package: web\nVersion: 2.0\nArchitecture: amd64\nDescription: '),
    Buffer.alloc(100 * 1024 ** 2, 'x'),
    Buffer.from(`\nFilename: pool/web.deb\nSize: 100\nSHA256: ${'1'.repeat(64)}\n\n`),
  ])
  const unpackedSha256 = createHash('sha256').update(text).digest('hex')
  await forgeRelease(upstream, { packed: compress(text, 'xz'), unpackedBytes: text.length, unpackedSha256 })
}

function billionLaughs(): string {
  const levels = 'bcdefghij'.split('').map((name, at) => `${name}: &${name} [${`*${'abcdefghij'[at]!}, `.repeat(10)}]`)
  return `a: &a [x, x, x, x, x, x, x, x, x, x]\n${levels.join('\n')}\nsite: *j\n`
}
