import { type FileHandle, mkdtemp, open, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../core/index.ts'
import { parseLeaseFile, readLeaseFile } from './dnsmasq/dnsmasq-leases.ts'
import { parseLeases } from './kea/kea-leases.ts'

const now = new Date('2026-01-01T00:00:00Z')
const second = now.getTime() / 1000

describe('leases', () => {
  it('of dnsmasq are lines, by address; what is none is left out', () => {
    const text = [
      `${second + 60} 02:00:00:00:00:02 10.1.2.100 pc 01:02`,
      `${second + 60} 02:00:00:00:00:01 10.1.2.20 * *`,
      `0 02:00:00:00:00:03 10.1.2.30 tv *`,
      `${second - 1} 02:00:00:00:00:04 10.1.2.40 over *`,
      'duid 00:01:00:01',
      `${second + 60} 02:00:00:00:00:05 10.1.2.`,
      '',
    ].join('\n')
    expect(parseLeaseFile(text, now).map(({ address, hostname }) => [address, hostname])).toEqual([
      ['10.1.2.20', ''],
      ['10.1.2.30', 'tv'],
      ['10.1.2.100', 'pc'],
    ])
  })

  it.each([
    ['nothing', ''],
    ['a part of a line', '1 02:00:00:00:00:01 10.1.2.20 pc *\n2 02:00'],
    ['a buffer of whole lines', '1 02:00:00:00:00:01 10.1.2.20 pc 01:02:00:00:00:00:01 +--------\n'.repeat(64)],
  ])('of dnsmasq are read again while %s is all that it has written', async (_what, begun) => {
    const folder = await mkdtemp(join(tmpdir(), 'larder-leases-'))
    const path = join(folder, 'leases')
    const whole = '1 02:00:00:00:00:01 10.1.2.20 pc *\n2 02:00:00:00:00:02 10.1.2.21 tv *\n'
    const write = async (text: string): Promise<void> => {
      await writeFile(path, text)
      await utimes(path, now, now)
    }
    let sleeps = 0
    const clock = {
      ...systemClock,
      now: () => now,
      sleep: async () => {
        if (++sleeps === 3) await write(whole)
      },
    }
    try {
      expect(await readLeaseFile(path, clock)).toBe('')
      await write(begun)
      expect(await readLeaseFile(path, clock)).toBe(whole)
      expect(sleeps).toBe(3)
      await write(begun)
      expect(await readLeaseFile(path, { ...clock, now: () => new Date(now.getTime() + 2000) })).toBe(begun)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('of dnsmasq are read again when their file grew meanwhile: the newest comes first, and the oldest would lack', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'larder-leases-'))
    const path = join(folder, 'leases')
    const [oldest, newest] = ['1 02:00:00:00:00:01 10.1.2.20 pc *\n', '2 02:00:00:00:00:02 10.1.2.21 tv *\n']
    // The clock of a file system may count in milliseconds: the time of the file alone need not tell.
    const write = async (text: string): Promise<void> => {
      await writeFile(path, text)
      await utimes(path, now, now)
    }
    await write(oldest)
    const handle = await open(path)
    const reading = vi.spyOn(Object.getPrototypeOf(handle) as FileHandle, 'readFile')
    await handle.close()
    // As Node does it: as many bytes as the file had when reading began.
    reading.mockImplementationOnce(async () => {
      const { size } = await stat(path)
      await write(newest + oldest)
      return Buffer.from(newest + oldest).subarray(0, size)
    })
    let sleeps = 0
    const clock = { ...systemClock, now: () => now, sleep: async () => void sleeps++ }
    try {
      expect(await readLeaseFile(path, clock)).toBe(newest + oldest)
      expect(sleeps).toBe(1)
    } finally {
      reading.mockRestore()
      await rm(folder, { recursive: true })
    }
  })

  it('of Kea are what it answers, without those that are over or declined', () => {
    const lease = { 'ip-address': '10.1.2.20', 'hw-address': '02:00:00:00:00:01', hostname: 'pc.', state: 0 }
    const times = { cltt: second - 10, 'valid-lft': 60 }
    const answer = {
      leases: [
        { ...lease, ...times },
        { ...lease, ...times, 'ip-address': '10.1.2.3', hostname: 7 },
        { ...lease, ...times, state: 1 },
        { ...lease, cltt: second - 60, 'valid-lft': 60 },
        { ...lease, ...times, 'ip-address': 'nonsense' },
        'nonsense',
      ],
    }
    expect(parseLeases(answer, now)).toEqual([
      { address: '10.1.2.3', mac: '02:00:00:00:00:01', hostname: '', expiresAt: new Date((second + 50) * 1000) },
      { address: '10.1.2.20', mac: '02:00:00:00:00:01', hostname: 'pc', expiresAt: new Date((second + 50) * 1000) },
    ])
    expect(parseLeases({}, now)).toEqual([])
  })
})
