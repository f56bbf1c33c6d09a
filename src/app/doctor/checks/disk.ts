import { randomUUID } from 'node:crypto'
import { open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { formatBytes } from '../../../core/index.ts'
import type { Ailment, DoctorCheck } from '../check.ts'

/** The data folder can be written to, and there is room left. */
export const diskCheck: DoctorCheck = {
  name: 'disk',
  async look({ dataFolder: { root } }) {
    const { blocks, bavail, bsize } = await statfs(root)
    return [...judgeSpace(root, { freeBytes: bavail * bsize, totalBytes: blocks * bsize }), ...(await tryToWrite(root))]
  },
}

const leastBytes = 1_000_000_000

/** Below 1 GB or 2 %: error; below 5 %: warning. Pure. */
export function judgeSpace(
  folder: string,
  { freeBytes, totalBytes }: { freeBytes: number; totalBytes: number },
): Ailment[] {
  const share = totalBytes === 0 ? 0 : freeBytes / totalBytes
  if (freeBytes >= leastBytes && share >= 0.05) return []
  return [
    {
      severity: freeBytes < leastBytes || share < 0.02 ? 'error' : 'warning',
      subject: folder,
      message: `${formatBytes(freeBytes)} (${(share * 100).toFixed(1)} %) are free on the file system of ${folder}.`,
      hint: 'larder gc frees what nothing refers to; shorter lists, fewer architectures and `keep` in larder.yaml make mirrors smaller.',
    },
  ]
}

async function tryToWrite(folder: string): Promise<Ailment[]> {
  const path = join(folder, `doctor.${randomUUID()}.new`)
  try {
    const handle = await open(path, 'wx', 0o600)
    try {
      await handle.writeFile('written by larder doctor\n')
      await handle.sync()
    } finally {
      await handle.close()
      await rm(path, { force: true })
    }
    return []
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    return [
      {
        severity: 'error',
        subject: folder,
        message: `Nothing can be written to ${folder} (${code}).`,
        hint:
          code === 'EROFS'
            ? 'The file system is read-only: the kernel does that when a disk fails (dmesg).'
            : 'Look at its owner and at the free space.',
      },
    ]
  }
}
