import { stat } from 'node:fs/promises'
import type { Log } from '../core/index.ts'
import type { MakeDisk } from '../fleet/index.ts'

/** How disks of virtual machines are made: as those of images are. What is new in them is as old as the root that they are made of. */
export function createMachineDisks(log: Log): MakeDisk {
  return async ({ archives, outputFile, kernelArguments, signal }) => {
    // Loaded by who has such machines.
    const { makeDiskImage } = await import('../oci/index.ts')
    const times = await Promise.all(archives.slice(0, 1).map((path) => stat(path)))
    const createdAt = times[0]?.mtime ?? new Date(0)
    const form = { format: 'qcow2', firmware: 'bios', kernelArguments } as const
    await makeDiskImage({ source: { archives }, outputFile, ...form, createdAt, signal, log })
  }
}
