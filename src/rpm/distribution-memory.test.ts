import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, it } from 'vitest'

/** As bin/larder starts the controller. */
const flags = ['--max-semi-space-size=2', '--heap-growing-percent=90']

it.skipIf(process.platform !== 'linux')(
  'a distribution of 60,000 packages takes no more than 300 MiB, from its text to a closure over it',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'larder-distribution-'))
    try {
      const script = join(import.meta.dirname, 'testing/distribution-process.ts')
      const { stdout } = await execa(process.execPath, [...flags, script, '60000', folder])
      const { rowCount, textBytes, closureCount, peakMiB } = JSON.parse(stdout) as Record<string, number>
      expect(rowCount).toBe(60_000)
      expect(textBytes).toBeGreaterThan(100_000_000)
      expect(closureCount).toBeGreaterThan(5000)
      expect(peakMiB).toBeLessThan(300)
    } finally {
      await rm(folder, { recursive: true })
    }
  },
  240_000,
)
