import { expect, it } from 'vitest'
import { LarderError, systemClock } from '../../../core/index.ts'
import type { HostHealth } from '../../../fleet/index.ts'
import { machinesSchema } from '../../../fleet/machine/machine-schema.ts'
import type { MachineState } from '../../../fleet/place/place.ts'
import type { DoctorContext } from '../check.ts'
import { hostsCheck, judgeHost } from './hosts.ts'

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

it('tells of machines that are gone since they were seen last, and of places that do not answer, each by itself', async () => {
  const known = (name: string, state = 'converged') => ({ name, place: 'container', state, detail: {} })
  const states: Record<string, MachineState> = { gone: 'absent', off: 'stopped', told: 'absent' }
  const place = {
    observe: async ({ name }: { name: string }) => {
      if (states[name] !== undefined) return states[name]
      throw new LarderError('FLEET_PLACE_UNUSABLE', { message: 'Docker does not answer.', hint: 'Start it.' })
    },
  }
  const list = async () => [known('gone'), known('off'), known('told', 'different'), known('unseen')]
  const options = { place: async () => place, ownAddresses: async () => new Map() }
  const sections = { machines: machinesSchema.parse({ gone: {}, off: {}, told: {}, unseen: {} }) }
  const siteHead = { current: async () => ({ site: { name: 'lab', sections } }) }
  const context = { siteHead, fleet: { memory: { list }, options }, clock: systemClock }
  const found = await hostsCheck.look({ context, signal: new AbortController().signal } as unknown as DoctorContext)
  expect(found.map(({ subject, message }) => `${subject}: ${message}`)).toEqual([
    'machine gone: It is gone.',
    'machine off: It stands still.',
    'machine unseen: Docker does not answer.',
  ])
})
