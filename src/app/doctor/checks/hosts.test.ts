import { expect, it } from 'vitest'
import type { HostHealth } from '../../../fleet/index.ts'
import { judgeHost } from './hosts.ts'

const well: HostHealth = {
  clockOffsetMs: 300,
  fileSystems: [{ path: '/', freeBytes: 5e9, totalBytes: 20e9, inodes: { free: 900, total: 1000 } }],
  failedUnits: [],
  replica: undefined,
  idleSlots: [{ name: 'web_1', keptBytes: 16_000_000 }],
  isDatabaseSilent: false,
}
const disk = (
  freeBytes: number,
  totalBytes: number,
  inodes?: { free: number; total: number },
): Partial<HostHealth> => ({
  fileSystems: [{ path: '/srv', freeBytes, totalBytes, inodes }],
})

it.each<[string, Partial<HostHealth>, string[]]>([
  ['nothing is wrong', {}, []],
  [
    'a clock is a little off',
    { clockOffsetMs: -9000 },
    ['warning: The clock of a is 9 s behind that of the controller.'],
  ],
  [
    'a clock is far off',
    { clockOffsetMs: 3.6e6 },
    ['error: The clock of a is 3600 s ahead of that of the controller.'],
  ],
  ['a disk is full', disk(0, 20e9), ['error: 0 B (0.0 %) are free on /srv of a.']],
  ['a disk has little room', disk(0.8e9, 20e9), ['warning: 800.0 MB (4.0 %) are free on /srv of a.']],
  ['a small file system is no full one', disk(30e6, 100e6), []],
  [
    'there are no inodes',
    disk(10e9, 20e9, { free: 0, total: 1000 }),
    ['error: /srv of a has no more than 0 inodes left of 1000: soon it takes no new files.'],
  ],
  ['a unit has failed', { failedUnits: ['nginx.service'] }, ['error: The unit nginx.service of a has failed.']],
  ['a replica streams', { replica: { isStreaming: true, lagMs: 59_000 } }, []],
  [
    'a replica is late',
    { replica: { isStreaming: true, lagMs: 90_000 } },
    ['warning: The PostgreSQL of a is 90 s behind its primary.'],
  ],
  [
    'a replica follows nobody',
    { replica: { isStreaming: false, lagMs: 0 } },
    ['error: The PostgreSQL of a follows nobody: it gets nothing of what its primary writes.'],
  ],
  [
    'a database does not answer',
    { isDatabaseSilent: true },
    ['error: The PostgreSQL of a does not answer: it has not within 10 s.'],
  ],
  [
    'a slot keeps the journal growing',
    { idleSlots: [{ name: 'web_1', keptBytes: 3e9 }] },
    ['warning: The PostgreSQL of a keeps 3.0 GB of its journal for the replica web_1, which does not fetch it.'],
  ],
])('%s', (_what, health, messages) => {
  const found = judgeHost('a', { ...well, ...health })
  expect(found.map(({ severity, message }) => `${severity}: ${message}`)).toEqual(messages)
  expect(found.every(({ hint }) => hint !== undefined)).toBe(true)
})
