import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createLocalHost } from '../host/local-host.ts'
import { examineHost, readHealth } from './host-health.ts'

const arrivedAt = new Date('2026-01-01T00:00:00Z')
const seconds = arrivedAt.getTime() / 1000
const said = (...rows: (string | number)[][]): string => rows.map((row) => `${row.join('\t')}\n`).join('')

it('reads the clock, file systems, units and replicas', () => {
  const output = said(
    ['clock', `${seconds + 2}.500000000`],
    ['bytes', 'Filesystem', 'Type', '1024-blocks', 'Available', 'Mounted on'],
    ['bytes', '/dev/sda1', 'ext4', 1000, 250, '/'],
    ['bytes', '/dev/sda1', 'ext4', 1000, 250, '/srv/the same again'],
    ['bytes', '/dev/sdb', 'btrfs', 500, 5, '/a b'],
    ['bytes', '/dev/loop0', 'squashfs', 10, 0, '/snap/x'],
    ['inodes', 100, 40, '/'],
    ['inodes', 0, 0, '/a b'],
    ['failed', 'nginx.service'],
    ['replica', 'streaming', '1.25'],
    ['slot', 'web_1', 4096],
  )
  expect(readHealth(output, arrivedAt)).toEqual({
    clockOffsetMs: 2500,
    fileSystems: [
      { path: '/', freeBytes: 256_000, totalBytes: 1_024_000, inodes: { free: 40, total: 100 } },
      { path: '/a b', freeBytes: 5120, totalBytes: 512_000, inodes: undefined },
    ],
    failedUnits: ['nginx.service'],
    replica: { isStreaming: true, lagMs: 1250 },
    idleSlots: [{ name: 'web_1', keptBytes: 4096 }],
    isDatabaseSilent: false,
  })
  expect(readHealth(said(['clock', seconds], ['silent']), arrivedAt)).toMatchObject({ isDatabaseSilent: true })
})

it('a host that says nothing of its clock has said nothing', () => {
  expect(readHealth('', arrivedAt)).toBeUndefined()
  expect(readHealth(said(['clock', 'never'], ['failed', 'a']), arrivedAt)).toBeUndefined()
})

it('takes whatever a host says', () => {
  const word = fc.oneof(
    fc.constantFrom('clock', 'bytes', 'inodes', 'failed', 'replica', 'slot', '1', '/', ''),
    fc.string(),
  )
  fc.assert(
    fc.property(fc.array(fc.array(word, { maxLength: 6 })), (rows) => {
      const health = readHealth(said(['clock', 1], ...rows), arrivedAt)
      for (const { freeBytes, totalBytes } of health?.fileSystems ?? []) {
        expect(Number.isFinite(freeBytes) && totalBytes !== 0).toBe(true)
      }
    }),
  )
})

it('is told by this host', async () => {
  const { signal } = new AbortController()
  const begunAtMs = Date.now()
  const health = await examineHost(createLocalHost({ name: 'here' }), { now: () => new Date(), signal })
  // It is the same clock; what it said was on its way for a part of this time.
  expect(Math.abs(health.clockOffsetMs)).toBeLessThanOrEqual(Date.now() - begunAtMs + 1)
  expect(health.fileSystems.map(({ path }) => path)).toContain('/')
})
