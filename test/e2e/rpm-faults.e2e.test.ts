import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeRpm } from '../../src/rpm/testing/make-rpm.ts'
import { signRpm } from '../../src/rpm/testing/sign-rpm.ts'
import { makeRpmSigner, type TestRpm } from '../fixtures/rpm-upstream/index.ts'
import { dnfComplaint, type DnfClient } from './support/dnf-client.ts'
import { openRpmSite, type RpmSite } from './support/open-rpm-site.ts'
import { waitForRuns } from './support/wait-for-run.ts'

let site: RpmSite
let client: DnfClient
const stranger = await makeRpmSigner('Somebody else')
const vendor = await makeRpmSigner('Vendor')
const oldOfVendor = await signRpm(makeRpm({ name: 'evil', version: '1' }), vendor.privateKey)
const needy = await signRpm(makeRpm({ name: 'evil', version: '2', requires: ['nothing'] }), vendor.privateKey)
const plain = await signRpm(makeRpm({ name: 'evil', version: '2' }), vendor.privateKey)
const good: TestRpm = { name: 'good', version: '1', files: { '/usr/share/good': 'x'.repeat(50_000) } }

beforeAll(async () => {
  site = await openRpmSite({ key: vendor, packages: [good, { name: 'evil', version: '1' }] })
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
/** A repomd.xml that has its primary.xml there. */
const primaryAt = (href: string): Attack['options'] => {
  const open = Buffer.from('<metadata/>')
  return {
    without: ['primary'],
    moreRecords: [{ type: 'primary', href, packed: open, open: undefined, timestamp: 1_900_000_000 }],
  }
}
/** A filelists.xml that has the file, of a package that primary.xml does not know. */
const filelistsOfNobody = `<filelists packages="1"><package pkgid="${'ab'.repeat(32)}" name="evil" arch="x86_64"><version epoch="0" ver="2" rel="1"/><file>/usr/share/wanted</file></package></filelists>`
const bomb = `<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "${'&a;'.repeat(10)}">]>`

// A package with a path that cannot be used is as good as not there; a data file with one, as the whole upstream.
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
  { name: 'a path that leads out', packages: evil({ href: '../../etc/passwd' }), code: /PACKAGE_UNKNOWN/ },
  { name: 'an absolute path', packages: evil({ href: '/etc/passwd' }), code: /PACKAGE_UNKNOWN/ },
  { name: 'a path with a host', packages: evil({ href: 'http://127.0.0.1:1/evil.rpm' }), code: /PACKAGE_UNKNOWN/ },
  {
    name: 'a path that leads out when it is decoded',
    packages: evil({ href: '%2e%2e/evil.rpm' }),
    code: /PACKAGE_UNKNOWN/,
  },
  ...['../primary.xml', '/primary.xml', 'http://127.0.0.1:1/primary.xml'].map((href) => ({
    name: `a primary.xml at ${href}`,
    options: primaryAt(href),
    code: /RPM_HREF/,
  })),
  { name: 'a package of another size', packages: evil({ promised: { sizeBytes: 9 } }), code: /FETCH_TOO_LARGE|SIZE_/ },
  {
    name: 'a package of another checksum',
    packages: evil({ promised: { checksum: 'ab'.repeat(32) } }),
    code: /DIGEST_/,
  },
  {
    name: 'a package with a header that is cut off',
    packages: evil({ rpm: makeRpm({ name: 'evil', version: '2' }).subarray(0, 400) }),
    code: /RPM_MALFORMED/,
  },
  {
    name: 'another package without a signature',
    packages: evil({ rpm: makeRpm({ name: 'good', version: '1' }) }),
    code: /SIGNATURE_MISSING/,
  },
  {
    name: 'an old package, rightly signed, as a new one',
    packages: evil({ rpm: oldOfVendor }),
    code: /RPM_HEADER_MISMATCH/,
  },
  {
    name: 'a package, rightly signed, under the name of another',
    packages: [{ name: 'good', version: '2', rpm: oldOfVendor }, ...evil({})],
    code: /RPM_HEADER_MISMATCH/,
  },
  { name: 'a requirement that metadata leaves out', packages: evil({ rpm: needy }), code: /RPM_HEADER_MISMATCH/ },
  {
    name: 'what the package does not provide',
    packages: evil({ rpm: plain, provides: ['help'] }),
    code: /RPM_HEADER_MISMATCH/,
  },
  {
    name: 'a filelists.xml of other packages',
    packages: evil({ requires: ['/usr/share/wanted'] }),
    options: { texts: { filelists: filelistsOfNobody } },
    code: /CLOSURE_UNSATISFIABLE|RPM_/,
  },
  ...['primary', 'filelists'].map((type) => ({
    name: `other bytes than those promised of ${type}.xml`,
    packages: evil({ requires: ['/usr/share/good'] }),
    fault: [`repodata/*-${type}.xml.gz`, { kind: 'wrong-bytes' }] as Attack['fault'] & object,
    code: /DIGEST_|SIZE_/,
  })),
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

it('control characters in what an upstream says are no reason to leave a package out, and dnf reads the rest', async () => {
  site.upstream.options.packages = [good, { name: 'evil', version: '3', summary: 'rings \u0007 a bell \u001b[31m' }]
  await site.upstream.publish()
  await site.controller.client.sync()
  const { state, error } = await waitForRuns(site.controller.client)
  expect(state, JSON.stringify(error)).toBe('succeeded')
  expect(await client.available()).toEqual(['evil-3-1.x86_64', 'good-1-1.x86_64'])
  const said = await client.dnf('repoquery', '--info', 'evil')
  expect(said.output).toMatch(/^Summary +: rings .+ a bell/m)
  expect(said.output).not.toMatch(/[\u0007\u001b]/)
})
