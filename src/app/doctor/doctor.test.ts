import { once } from 'node:events'
import { chmod, mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { generateKey, readPrivateKey } from 'openpgp'
import { afterEach, describe, expect, it } from 'vitest'
import { makeSigner } from '../../../test/fixtures/upstream/index.ts'
import type { Digest } from '../../core/index.ts'
import type { DoctorFinding } from './doctor-report.ts'
import { rememberAddress } from '../last-address.ts'
import { openTestLarder, type TestLarder, type TestLarderOptions } from '../testing/open-test-larder.ts'
import { judgeOffset } from './checks/clock.ts'
import { judgeSpace } from './checks/disk.ts'
import { judgeUpstream } from './checks/upstreams.ts'

const hourMs = 3600_000
const dayMs = 24 * hourMs
let test: TestLarder | undefined
afterEach(async () => {
  await test?.[Symbol.asyncDispose]()
  test = undefined
})
const start = async (options?: TestLarderOptions): Promise<TestLarder> => (test = await openTestLarder(options))

/** What one check finds. */
async function found(
  { larder }: TestLarder,
  check: string,
  options: { fix?: boolean; deep?: boolean } = {},
): Promise<DoctorFinding[]> {
  const report = await larder.controller.doctor({ fix: options.fix ?? false, deep: options.deep ?? false })
  return report.findings.filter((finding) => finding.check === check)
}

/** The check names it, `--fix` mends it, and then it is gone. */
async function expectMended(larder: TestLarder, check: string, texts: readonly (string | RegExp)[]): Promise<void> {
  const before = await found(larder, check)
  expect(before.map((finding) => finding.message)).toEqual(texts.map((text): unknown => expect.stringMatching(text)))
  expect(before.every((finding) => finding.fixable && !finding.fixed)).toBe(true)
  const mended = await found(larder, check, { fix: true })
  expect(mended.map((finding) => finding.fixed)).toEqual(texts.map(() => true))
  await larder.settle()
  expect(await found(larder, check)).toEqual([])
}

it('finds nothing wrong with what is right, but that no controller runs', async () => {
  const larder = await start()
  const report = await larder.larder.controller.doctor({ fix: false, deep: true })
  expect(report.findings.filter((one) => one.check !== 'disk')).toMatchObject([
    { check: 'address', severity: 'warning', fixable: false },
  ])
  expect(report.checks).toHaveLength(22)
  expect(report.runs).toEqual([])
  expect(report.usage.blobBytes).toBeGreaterThan(1000)
})

it('outbox: tells what forges and listeners have not taken for an hour', async () => {
  const larder = await start()
  const { outbox } = larder.larder.announcements
  await outbox.enqueue({ kind: 'status', recipient: 'forge', topic: 'status/larder/1', body: {} })
  await outbox.enqueue({ kind: 'comment', recipient: 'forge', topic: 'comment/1', body: {} })
  await outbox.enqueue({ kind: 'comment', recipient: 'forge', topic: 'comment/2', body: {} })
  expect(await found(larder, 'outbox')).toEqual([])
  larder.clockOffsetMs = hourMs + 1000
  expect((await found(larder, 'outbox')).map(({ message }) => message)).toEqual([
    expect.stringMatching(/^1 state of a commit waits for the forge, the oldest since 20/),
    expect.stringMatching(/^2 comments wait for the forge, the oldest since 20/),
  ])
})

describe('disk', () => {
  it.each([
    [100e9, 200e9, undefined],
    [6e9, 100e9, undefined],
    [4e9, 100e9, 'warning'],
    [3e9, 200e9, 'error'],
    [0.9e9, 10e9, 'error'],
    [0, 0, 'error'],
  ])('%d bytes free of %d: %s', (freeBytes, totalBytes, severity) => {
    expect(judgeSpace('/srv', { freeBytes, totalBytes }).at(0)?.severity).toBe(severity)
  })
})

it('permissions: closes what is open to others', async () => {
  const larder = await start()
  const { root, keys, adminToken } = larder.dataFolder
  const githubSecrets = join(root, 'github-secrets')
  await writeFile(adminToken, 'x\n', { mode: 0o600 })
  await writeFile(githubSecrets, 'x\n', { mode: 0o600 })
  const open: [string, number][] = [
    [keys, 0o711],
    [join(keys, 'base.json'), 0o640],
    [adminToken, 0o644],
    [githubSecrets, 0o660],
    [root, 0o755],
  ]
  for (const [path, mode] of open) await chmod(path, mode)
  await expectMended(
    larder,
    'permissions',
    open.map(([path]) => new RegExp(`^${path}, .*(its group|every user)`)),
  )
  const modes = await Promise.all(open.map(async ([path]) => (await stat(path)).mode & 0o777))
  expect(modes).toEqual([0o700, 0o600, 0o600, 0o600, 0o750])
})

describe('clock', () => {
  it('was set back', async () => {
    const larder = await start()
    larder.clockOffsetMs = -hourMs
    expect((await found(larder, 'clock'))[0]).toMatchObject({
      severity: 'error',
      message: expect.stringContaining('it was set back'),
    })
  })

  it('is ahead of the upstream', async () => {
    const larder = await start()
    larder.clockOffsetMs = 120_000
    const [finding] = await found(larder, 'clock')
    expect(finding).toMatchObject({
      severity: 'error',
      message: expect.stringMatching(/1(19|2[0-9]) s ahead of that of an upstream/),
    })
  })

  it.each<[number[], string | undefined]>([
    [[], undefined],
    [[0, 500, -900], undefined],
    [[-15_000], 'warning'],
    [[-70_000, -80_000], 'error'],
    [[59_000], undefined],
    [[61_000], 'warning'],
    [[90_000_000, 100, -200], undefined],
  ])('offsets of upstreams %j: %s', (offsets, severity) => {
    expect(judgeOffset(offsets).at(0)?.severity).toBe(severity)
  })
})

describe('keys', () => {
  it('a key that is gone, or cannot be read', async () => {
    const larder = await start()
    const path = join(larder.dataFolder.keys, 'base.json')
    await rm(path)
    expect(await found(larder, 'keys')).toMatchObject([
      { severity: 'error', message: expect.stringContaining('is gone') },
    ])
    await writeFile(path, '{ "keys": [', { mode: 0o600 })
    expect(await found(larder, 'keys')).toMatchObject([
      { severity: 'error', message: expect.stringContaining('is damaged') },
    ])
  })

  it('an old key that is about to retire', async () => {
    const larder = await start()
    const [old] = await larder.larder.controller.keys('base')
    await larder.larder.controller.rotateKey('base')
    expect(await found(larder, 'keys')).toEqual([])
    larder.clockOffsetMs = 24 * dayMs
    expect(await found(larder, 'keys')).toMatchObject([
      { severity: 'warning', message: expect.stringContaining(old!.fingerprint) },
    ])
  })

  it('a key that expires', async () => {
    const larder = await start()
    const key = await expiringKey(10 * 24 * 3600)
    const file = { keys: [{ ...key, retiresAt: null }] }
    await writeFile(join(larder.dataFolder.keys, 'base.json'), JSON.stringify(file), { mode: 0o600 })
    expect(await found(larder, 'keys')).toMatchObject([
      { severity: 'warning', message: expect.stringContaining('expires at') },
    ])
  })
})

async function expiringKey(keyExpirationTime: number): Promise<{ fingerprint: string; privateKeyArmored: string }> {
  const { privateKey } = await generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name: 'Own' }],
    keyExpirationTime,
    format: 'armored',
  })
  const fingerprint = (await readPrivateKey({ armoredKey: privateKey })).getFingerprint().toUpperCase()
  return { fingerprint, privateKeyArmored: privateKey }
}

it('address: removes what a killed controller left', async () => {
  const larder = await start()
  await writeFile(larder.dataFolder.address, JSON.stringify({ url: 'http://127.0.0.1:1', pid: 2 ** 30 }))
  expect(await found(larder, 'address', { fix: true })).toMatchObject([
    { message: expect.stringContaining('No controller runs'), fixed: false },
    { message: expect.stringContaining('left over'), fixed: true },
  ])
  expect(await found(larder, 'address')).toHaveLength(1)
})

it('address: another program listens where the controller did', async () => {
  const larder = await start()
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await rememberAddress(larder.larder.context.state, { host: '127.0.0.1', port })
  expect(await found(larder, 'address')).toMatchObject([
    { message: expect.stringContaining('No controller runs') },
    { severity: 'warning', subject: `127.0.0.1:${port}`, message: expect.stringContaining(`port ${port}`) },
  ])
  server.close()
  // Any free one, which nobody else has.
  await rememberAddress(larder.larder.context.state, { host: '127.0.0.1', port: 0 })
  expect(await found(larder, 'address')).toHaveLength(1)
})

describe('site', () => {
  it('a head of main that is not valid', async () => {
    const larder = await start()
    await larder.commit({ 'packages.json': '["alpha",, ]\n' }, { apply: false })
    const [finding] = await found(larder, 'site')
    expect(finding).toMatchObject({ severity: 'error', message: expect.stringContaining('packages.json:1:') })
  })

  it('a head of main that was not applied', async () => {
    const larder = await start()
    await larder.commit({ 'packages.json': '["alpha", "beta"]\n' }, { apply: false })
    await expectMended(larder, 'site', [/has not been applied/])
    expect(await larder.larder.controller.packages('base')).toHaveLength(2)
  })
})

it('tools: names what is not installed', async () => {
  const larder = await start()
  const tools = join(larder.dataFolder.root, 'cache/bin')
  await mkdir(tools, { recursive: true })
  larder.environment['PATH'] = tools
  expect((await found(larder, 'tools')).map(({ subject, severity }) => [subject, severity])).toEqual([
    ['git', 'error'],
    ['xz', 'warning'],
  ])
  await writeFile(join(tools, 'git'), '#!/bin/sh\necho /nonexistent\n', { mode: 0o755 })
  await writeFile(join(tools, 'xz'), '#!/bin/sh\n', { mode: 0o755 })
  expect((await found(larder, 'tools')).map(({ subject }) => subject)).toEqual(['git http-backend'])
})

describe('upstreams', () => {
  it('one that is gone, with the age of what was good', async () => {
    const larder = await start()
    larder.upstream.fault(/InRelease|Release/, { kind: 'vanish' })
    const [finding] = await found(larder, 'upstreams')
    expect(finding).toMatchObject({ severity: 'error', subject: 'upstream test' })
    expect(finding?.message).toMatch(/\[APT_RELEASE_MISSING\] It was good \d+ minutes ago/)
  })

  it('one that a stranger has signed', async () => {
    const larder = await start()
    Object.assign(larder.upstream.suite('stable'), { signers: [await makeSigner()] })
    await larder.upstream.publish()
    expect((await found(larder, 'upstreams'))[0]?.message).toContain('SIGNATURE_UNTRUSTED')
  })

  it('one that expires soon, then has expired', async () => {
    const larder = await start({ suite: { validUntil: new Date(Date.now() + 5 * hourMs) } })
    expect((await found(larder, 'upstreams'))[0]).toMatchObject({
      severity: 'warning',
      message: expect.stringMatching(/expires at/),
    })
    larder.clockOffsetMs = 6 * hourMs
    expect((await found(larder, 'upstreams'))[0]?.message).toContain('APT_RELEASE_EXPIRED')
  })

  it('one that is not verified', () => {
    const upstream = {
      upstream: 'test',
      part: 'suite stable',
      addresses: [],
      madeAt: new Date(),
      validUntil: undefined,
    }
    expect(judgeUpstream({ ...upstream, notes: ['upstream test: NOT VERIFIED, since …'] }, new Date())).toHaveLength(1)
    expect(judgeUpstream({ ...upstream, notes: ['upstream test: has no main'] }, new Date())).toEqual([])
  })
})

describe('publications', () => {
  it('a validity that runs out is renewed', async () => {
    const larder = await start({ mirror: 'validDays: 2' })
    expect(await found(larder, 'publications')).toEqual([])
    larder.clockOffsetMs = 26 * hourMs
    expect((await found(larder, 'publications'))[0]).toMatchObject({ severity: 'warning' })
    larder.clockOffsetMs = 3 * dayMs
    await expectMended(larder, 'publications', [/clients refuse it/])
  })

  it('blobs that are missing come back by a run', async () => {
    const larder = await start()
    const [alpha] = await larder.larder.controller.packages('base')
    await rm(larder.larder.context.store.localPath(alpha!.digest as Digest))
    await expectMended(larder, 'publications', [/alpha_1\.0_amd64\.deb.* is missing/])
    expect(await larder.larder.controller.verify('base')).toEqual([])
  })

  it('a list of files that cannot be read, after a restart too', async () => {
    const larder = await start()
    const { publisher, store } = larder.larder.context
    const current = await publisher.current('base')
    const path = store.localPath(current!.tree)
    await larder.reopen(async () => {
      await chmod(path, 0o644)
      await writeFile(path, 'larder-tree 1\n')
    })
    expect(await found(larder, 'publications', { fix: true })).toMatchObject([{ severity: 'error', fixed: true }])
    await larder.settle()
    await larder.reopen()
    expect(await larder.larder.controller.verify('base')).toEqual([])
    // The generation that it was is of no use, and keeps gc from working.
    await expectMended(larder, 'publications', [/generation 1 of base/])
    await expect(larder.larder.controller.collectGarbage()).resolves.toMatchObject({ kept: expect.any(Number) })
  })
})

describe('runs', () => {
  it('one that nothing works at', async () => {
    const larder = await start()
    await setRuns(larder, { state: 'running', finished_at: null })
    await expectMended(larder, 'runs', [/nothing works at it/])
  })

  it('one that has been waiting for hours', async () => {
    const larder = await start()
    await setRuns(larder, { state: 'waiting', created_at: new Date(Date.now() - 2 * hourMs).toISOString() })
    expect(await found(larder, 'runs')).toMatchObject([
      { severity: 'warning', message: expect.stringContaining('has been waiting') },
    ])
  })

  it('the newest apply that failed', async () => {
    const larder = await start()
    await larder.commit({ 'packages.json': '["nonesuch"]\n' })
    const [finding] = await found(larder, 'runs')
    expect(finding).toMatchObject({ severity: 'error', hint: expect.stringContaining('larder run retry') })
    expect(finding?.message).toContain('PACKAGE_UNKNOWN')
  })
})

async function setRuns({ larder }: TestLarder, values: Record<string, string | null>): Promise<void> {
  await larder.context.state.db.updateTable('runs').set(values).execute()
}

it('events: settles what was left', async () => {
  const larder = await start()
  const received_at = new Date(Date.now() - hourMs).toISOString()
  const row = {
    forge: 'github',
    repository: 'a/b',
    delivery_id: '1',
    name: 'ping',
    state: 'waiting' as const,
  }
  const { db } = larder.larder.context.state
  await db
    .insertInto('events')
    .values({ ...row, id: 1, received_at, reason: null, run_id: null })
    .execute()
  await db.insertInto('event_bodies').values({ event_id: 1, body: '{}' }).execute()
  await expectMended(larder, 'events', [/1 delivery waits/])
})

it('leftovers: leases, downloads and temporary files of killed processes', async () => {
  const larder = await start()
  const { root, keys } = larder.dataFolder
  const old = new Date(Date.now() - 3 * dayMs)
  const upload = join(root, 'uploads', 'a'.repeat(64))
  await mkdir(upload)
  await writeFile(join(upload, 'data'), 'half')
  const temporary = join(keys, 'base.json.1.new')
  await writeFile(temporary, '', { mode: 0o600 })
  for (const path of [join(upload, 'data'), upload, temporary]) await utimes(path, old, old)
  await larder.larder.context.leases.acquire('run/99')
  await expectMended(larder, 'leftovers', [/run\/99/, /1 download was/, /1 temporary file/])
  expect(await readdir(join(root, 'uploads'))).not.toContain('a'.repeat(64))
})

it('a check that cannot be made is a finding, and the others go on', async () => {
  const larder = await start()
  await larder.larder.context.state.db.schema.dropTable('events').execute()
  const report = await larder.larder.controller.doctor({ fix: false, deep: false })
  expect(report.findings.filter((one) => one.check === 'events')).toMatchObject([
    { severity: 'error', message: expect.stringContaining('could not be looked at') },
  ])
  expect(report.checks).toHaveLength(22)
})
