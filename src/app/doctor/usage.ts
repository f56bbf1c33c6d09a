import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DoctorReport } from './doctor-report.ts'
import type { DoctorContext } from './check.ts'

/** What the data folder holds, in bytes. */
export async function measureUsage({ context, dataFolder }: DoctorContext): Promise<DoctorReport['usage']> {
  const blobs = { count: 0, bytes: 0 }
  for await (const { sizeBytes } of context.store.list()) {
    blobs.count++
    blobs.bytes += sizeBytes
  }
  const database = ['', '-wal', '-shm'].map((suffix) => `${dataFolder.database}${suffix}`)
  return {
    folder: dataFolder.root,
    blobCount: blobs.count,
    blobBytes: blobs.bytes,
    uploadBytes: await sizeOfFolder(join(dataFolder.root, 'uploads')),
    cacheBytes: await sizeOfFolder(dataFolder.cache),
    siteBytes: await sizeOfFolder(dataFolder.siteRepository),
    databaseBytes: (await Promise.all(database.map(sizeOfFile))).reduce((sum, size) => sum + size, 0),
  }
}

async function sizeOfFolder(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(absent)
  let sum = 0
  for (const entry of entries ?? []) if (entry.isFile()) sum += await sizeOfFile(join(entry.parentPath, entry.name))
  return sum
}

async function sizeOfFile(path: string): Promise<number> {
  return (await stat(path).catch(absent))?.size ?? 0
}

/** Files come and go while a controller runs. */
function absent(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
  throw error
}
