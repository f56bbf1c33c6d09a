import { chmod, mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { dayMs, expectMended, found, hourMs, useTestLarder } from '../testing/doctored-larder.ts'
import { judgeSpace } from './checks/disk.ts'

const start = useTestLarder()

it('finds nothing wrong with what is right, but that no controller runs', async () => {
  const larder = await start()
  const report = await larder.larder.controller.doctor({ fix: false, deep: true })
  expect(report.findings.filter((one) => one.check !== 'disk')).toMatchObject([
    { check: 'address', severity: 'warning', fixable: false },
  ])
  expect(report.checks).toHaveLength(23)
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
  const ageIdentity = join(root, 'age-identity')
  await writeFile(ageIdentity, 'x\n', { mode: 0o600 })
  const credentials = join(root, 'machines/credentials')
  await mkdir(credentials, { recursive: true, mode: 0o700 })
  const open: [string, number][] = [
    [keys, 0o711],
    [join(keys, 'base.json'), 0o640],
    [credentials, 0o750],
    [ageIdentity, 0o604],
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
  expect(modes).toEqual([0o700, 0o600, 0o700, 0o600, 0o600, 0o600, 0o750])
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
  expect(report.checks).toHaveLength(23)
})
