import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeRpmSigner, type TestRpm } from '../fixtures/rpm-upstream/index.ts'
import { dnfComplaint, type DnfClient } from './support/dnf-client.ts'
import { openRpmSite, type RpmSite } from './support/open-rpm-site.ts'
import { waitForRuns } from './support/wait-for-run.ts'

let site: RpmSite
let client: DnfClient
const stranger = await makeRpmSigner('Somebody else')
const good: TestRpm = { name: 'good', version: '1', files: { '/usr/share/good': 'x'.repeat(50_000) } }

beforeAll(async () => {
  site = await openRpmSite({ packages: [good, { name: 'evil', version: '1' }] })
  await site.publish(['good', 'evil'])
  client = await site.client()
  expect((await client.makecache()).output).not.toMatch(dnfComplaint)
})
afterAll(() => site[Symbol.asyncDispose]())

interface Attack {
  name: string
  /** What is new upstream, in place of what was there. */
  packages?: TestRpm[]
  options?: Partial<RpmSite['upstream']['options']>
  fault?: Parameters<RpmSite['upstream']['fault']>
  code: RegExp
}

const evil = (more: Partial<TestRpm>): TestRpm[] => [{ name: 'evil', version: '2', ...more }]
const bomb = `<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "${'&a;'.repeat(10)}">]>`

const attacks = (): Attack[] => [
  { name: 'an unsigned package', packages: evil({ signed: false }), code: /SIGNATURE_MISSING/ },
  { name: 'a package of another key', packages: evil({ signer: stranger }), code: /SIGNATURE_UNTRUSTED/ },
  { name: 'repomd.xml of another key', packages: evil({}), options: { signer: stranger }, code: /SIGNATURE_UNTRUSTED/ },
  {
    name: 'repomd.xml without its signature',
    packages: evil({}),
    options: { signed: false },
    code: /SIGNATURE_MISSING/,
  },
  {
    name: 'an older repomd.xml',
    packages: evil({}),
    options: { timestamp: 1_600_000_000 },
    code: /RPM_REPOMD_REPLAYED/,
  },
  { name: 'a package from elsewhere', packages: evil({ base: 'http://127.0.0.1:1/' }), code: /RPM_HREF_REFUSED/ },
  { name: 'a path that leads out', packages: evil({ href: '../../etc/passwd' }), code: /PACKAGE_UNKNOWN|RPM_HREF/ },
  { name: 'a package of another size', packages: evil({ promised: { sizeBytes: 9 } }), code: /FETCH_TOO_LARGE|SIZE_/ },
  {
    name: 'a package of another checksum',
    packages: evil({ promised: { checksum: 'ab'.repeat(32) } }),
    code: /DIGEST_/,
  },
  {
    name: 'a package that ends early',
    packages: evil({}),
    fault: ['Packages/e/*', { kind: 'truncate', afterBytes: 300 }],
    code: /FETCH_TRUNCATED|FETCH_UNREACHABLE/,
  },
  {
    name: 'a package without end',
    packages: evil({}),
    fault: ['Packages/e/*', { kind: 'endless' }],
    code: /FETCH_TOO_LARGE|SIZE_/,
  },
  { name: 'declared entities', options: { texts: { primary: `${bomb}<metadata>&b;</metadata>` } }, code: /RPM_XML/ },
  { name: 'a bomb', options: { texts: { primary: Buffer.alloc(50_000_000, ' ') } }, code: /RPM_XML|BOMB/ },
  {
    name: 'a modular package without its metadata',
    packages: evil({ release: '1.module+el9+1+a' }),
    code: /RPM_MODULE_MISSING/,
  },
  { name: 'what cannot be installed', packages: evil({ requires: ['nothing >= 1'] }), code: /CLOSURE_UNSATISFIABLE/ },
]

it.each(attacks())('$name: is refused by name, and dnf sees what it saw before', async (attack) => {
  const { upstream, controller } = site
  const before = (await controller.client.mirror('el9')).publication
  const options = { ...upstream.options }
  upstream.options.packages = [good, ...(attack.packages ?? evil({}))]
  Object.assign(upstream.options, attack.options)
  await upstream.publish()
  if (attack.fault) upstream.fault(...attack.fault)
  try {
    await controller.client.sync()
    const { state, error } = await waitForRuns(controller.client)
    expect([state, error?.code], error?.message).toEqual(['failed', expect.stringMatching(attack.code)])
    expect((await controller.client.mirror('el9')).publication).toEqual(before)
    expect(await client.available()).toEqual(['evil-1-1.x86_64', 'good-1-1.x86_64'])
  } finally {
    upstream.clearFaults()
    for (const key of Object.keys(upstream.options)) Reflect.deleteProperty(upstream.options, key)
    Object.assign(upstream.options, options)
  }
})

it('when all is well again, what is new is published', async () => {
  site.upstream.options.packages = [good, ...evil({})]
  await site.upstream.publish()
  await site.controller.client.sync()
  expect((await waitForRuns(site.controller.client)).state).toBe('succeeded')
  expect(await client.available()).toEqual(['evil-2-1.x86_64', 'good-1-1.x86_64'])
  const made = await client.install('good', 'evil')
  expect(made.exitCode, made.output).toBe(0)
})
