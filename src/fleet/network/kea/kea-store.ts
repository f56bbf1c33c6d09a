import { rm, stat } from 'node:fs/promises'
import type { Clock } from '../../../core/index.ts'
import { writePrivateFile } from '../../../publish/index.ts'
import { readIfThere } from '../../read-if-there.ts'
import type { LeaseStore } from '../dhcp-server.ts'
import { keaLeaseText, parseKeaLeaseFiles } from './kea-lease-file.ts'

const lookEveryMs = 20
const mostLooks = 250

/**
 * Leases of a Kea that does not run. It writes each change at the end of its file; once an hour a program of its own, which may outlive
 * it, makes that shorter: `.1` is what was written till then, `.2` what the last time has left, and `.completed` what takes the place of
 * both. Source: Kea, src/lib/dhcpsrv/memfile_lease_mgr.cc, loadLeasesFromFiles; src/bin/lfc.
 */
export function keaStore(path: string, clock: Clock): LeaseStore {
  const beside = ['.output', '.completed', '.2', '.1'].map((suffix) => `${path}${suffix}`)
  return {
    path,
    read: async () => parseKeaLeaseFiles(await readFiles(path, clock), clock.now()),
    async write(leases, network) {
      await writePrivateFile(path, keaLeaseText(leases, network, clock.now()))
      // After it: what is in both is in the new one, and what is only in them is older.
      for (const older of beside) await rm(older, { force: true })
    },
    async remove() {
      for (const file of [...beside, path]) await rm(file, { force: true })
    },
  }
}

/** As Kea reads them. Again, where they were changed meanwhile: one that is renamed between two looks would be in neither. */
async function readFiles(path: string, clock: Clock): Promise<string[]> {
  const names = ['.completed', '.2', '.1', ''].map((suffix) => `${path}${suffix}`)
  const signs = (): Promise<string[]> => Promise.all(names.map(signOf))
  for (let looks = 1; ; looks++) {
    const before = await signs()
    const [completed, previous, copied, current] = await Promise.all(names.map(readIfThere))
    const isStill = (await signs()).join() === before.join()
    if (isStill || looks === mostLooks) {
      const older = completed === undefined ? [previous, copied] : [completed]
      return [...older, current].filter((text) => text !== undefined)
    }
    await clock.sleep(lookEveryMs)
  }
}

async function signOf(path: string): Promise<string> {
  const found = await stat(path, { bigint: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  })
  return found === undefined ? '' : `${found.ino} ${found.size} ${found.mtimeNs}`
}
