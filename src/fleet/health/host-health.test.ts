import fc from 'fast-check'
import { expect, it } from 'vitest'
import { LarderError } from '../../core/index.ts'
import type { Host } from '../host/host.ts'
import { createLocalHost } from '../host/local-host.ts'
import { healthScript } from './health-script.ts'
import { examineHost, readHealth } from './host-health.ts'

const arrivedAt = new Date('2026-01-01T00:00:00Z')
const heard = { askedAt: arrivedAt, arrivedAt }
const seconds = arrivedAt.getTime() / 1000
const said = (...rows: (string | number)[][]): string => rows.map((row) => `${row.join('\t')}\n`).join('')

it('reads the clock, file systems, units and replicas', () => {
  const output = said(
    ['clock', `${seconds + 2}.500000000`],
    ['bytes', 'Filesystem', 'Type', '1024-blocks', 'Available', 'Mounted on'],
    ['bytes', '/dev/sda1', 'ext4', 1000, 250, '/'],
    ['bytes', '/dev/sda1', 'ext4', 1000, 250, '/srv/the same again'],
    ['bytes', 'tmpfs', 'tmpfs', 300, 300, '/run'],
    ['bytes', 'tmpfs', 'tmpfs', 300, 300, '/run/other'],
    ['bytes', '/dev/sdb', 'btrfs', 500, 5, '/a b'],
    ['bytes', '/dev/loop0', 'squashfs', 10, 0, '/snap/x'],
    ['inodes', 100, 40, '/'],
    ['inodes', 100, 40, '/srv/the same again'],
    ['inodes', 70, 60, '/run'],
    ['inodes', 70, 0, '/run/other'],
    ['inodes', 0, 0, '/a b'],
    ['failed', 'nginx.service'],
    ['replica', 'streaming', '1.25'],
    ['slot', 'web_1', 4096],
  )
  expect(readHealth(output, heard)).toEqual({
    clockOffsetMs: 2500,
    fileSystems: [
      { path: '/', freeBytes: 256_000, totalBytes: 1_024_000, inodes: { free: 40, total: 100 } },
      { path: '/a b', freeBytes: 5120, totalBytes: 512_000, inodes: undefined },
      { path: '/run', freeBytes: 307_200, totalBytes: 307_200, inodes: { free: 60, total: 70 } },
      { path: '/run/other', freeBytes: 307_200, totalBytes: 307_200, inodes: { free: 0, total: 70 } },
    ],
    failedUnits: ['nginx.service'],
    replica: { isStreaming: true, lagMs: 1250 },
    idleSlots: [{ name: 'web_1', keptBytes: 4096 }],
    isDatabaseSilent: false,
  })
  expect(readHealth(said(['clock', seconds], ['silent']), heard)).toMatchObject({ isDatabaseSilent: true })
})

it.each([
  ['ahead', 7000, 0, 7000],
  ['behind', -7000, 0, -7000],
  ['behind or slow to answer', -7000, 7000, 0],
  ['behind, and slow to answer', -7000, 1500, -5500],
  ['ahead, and slow to be reached', 7000, 3000, 7000],
])('a clock that is %s is off by what is sure of it', (_what, saidMs, wayMs, offsetMs) => {
  const output = said(['clock', seconds + saidMs / 1000])
  const askedAt = new Date(arrivedAt.getTime() - wayMs)
  expect(readHealth(output, { askedAt, arrivedAt })).toMatchObject({ clockOffsetMs: offsetMs })
})

/** Its clock is 6 s behind; each answer is so long on its way. */
function slowHost(...waysMs: number[]): { host: Host; now: () => Date } {
  let atMs = arrivedAt.getTime()
  const run: Host['run'] = async (script, { onOutput }) => {
    const wayMs = waysMs.shift()!
    if (wayMs === Infinity) throw new LarderError('FLEET_HOST_TIMEOUT', { message: 'slow does not answer.' })
    atMs += wayMs
    const stdout = Buffer.from(said(['clock', atMs / 1000 - 6], ...(script === healthScript ? [['failed', 'a']] : [])))
    onOutput?.(stdout)
    return { code: 0, stdout, stderr: '' }
  }
  return { host: { name: 'slow', run, close: async () => {} }, now: () => new Date(atMs) }
}

it.each([
  ['whose connection takes 8 s to open', [8000, 40], -5960],
  ['that is slow each time', [8000, 9000], 0],
  ['that says how it is, and then nothing more', [8000, Infinity], 0],
  ['that is quick', [40], -5960],
])('a host %s is asked what time it is as often as needed', async (_what, waysMs, offsetMs) => {
  const { host, now } = slowHost(...waysMs)
  const health = await examineHost(host, { now, signal: new AbortController().signal })
  expect(health).toMatchObject({ clockOffsetMs: offsetMs, failedUnits: ['a'] })
})

it('a host that says nothing of its clock has said nothing', () => {
  expect(readHealth('', heard)).toBeUndefined()
  expect(readHealth(said(['clock', 'never'], ['failed', 'a']), heard)).toBeUndefined()
})

it('takes whatever a host says', () => {
  const word = fc.oneof(
    fc.constantFrom('clock', 'bytes', 'inodes', 'failed', 'replica', 'slot', '1', '/', ''),
    fc.string(),
  )
  fc.assert(
    fc.property(fc.array(fc.array(word, { maxLength: 6 })), (rows) => {
      const health = readHealth(said(['clock', 1], ...rows), heard)
      for (const { freeBytes, totalBytes } of health?.fileSystems ?? []) {
        expect(Number.isFinite(freeBytes) && totalBytes !== 0).toBe(true)
      }
    }),
  )
})

it('is told by this host', async () => {
  const { signal } = new AbortController()
  const health = await examineHost(createLocalHost({ name: 'here' }), { now: () => new Date(), signal })
  // It is the same clock.
  expect(health.clockOffsetMs).toBe(0)
  expect(health.fileSystems.map(({ path }) => path)).toContain('/')
})
