import { access, mkdir, readdir, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

/** A build that is alive has some dozens of processes; a fork bomb ends here. */
export const mostProcesses = 4096
export const groupRoot = '/sys/fs/cgroup'

/** With these settings; undefined where that is not ours to say. What a Larder that was killed left beside it goes. */
export async function openGroup(
  folder: string,
  settings: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  await removeLeftovers(dirname(folder))
  try {
    await mkdir(folder)
  } catch (error) {
    if (!isRefusal(error)) throw error
    return undefined
  }
  for (const [file, value] of Object.entries(settings)) {
    if (await writeSetting(join(folder, file), value)) continue
    await rmdir(folder)
    return undefined
  }
  return folder
}

/** Groups of a Larder that was killed; what was in them the kernel has ended. */
export async function removeLeftovers(parent: string): Promise<void> {
  for (const name of await readdir(parent).catch(() => [])) {
    const [, pid] = /^larder-build-(\d+)-/.exec(name) ?? []
    if (pid !== undefined && !(await exists(`/proc/${pid}`))) await removeGroup(join(parent, name))
  }
}

/** False where it is not ours to say. */
export async function writeSetting(path: string, value: string): Promise<boolean> {
  try {
    await writeFile(path, value, { flag: 'r+' })
    return true
  } catch (error) {
    if (!isRefusal(error)) throw error
    return false
  }
}

/** Not ours to say here: not mounted, read-only, not root, not delegated. */
export function isRefusal(error: unknown): boolean {
  const codes = ['ENOENT', 'EACCES', 'EPERM', 'EROFS', 'EBUSY', 'EINVAL', 'EOPNOTSUPP']
  return error instanceof Error && codes.includes((error as NodeJS.ErrnoException).code ?? '')
}

/** Processes that were just killed are still on their way out: thousands of them take seconds. */
export async function removeGroup(folder: string): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    try {
      await rmdir(folder)
      return
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') return
      if (code !== 'EBUSY') throw error
      await wait(20)
    }
  }
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
