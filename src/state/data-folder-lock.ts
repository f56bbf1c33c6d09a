import { randomUUID } from 'node:crypto'
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LarderError } from '../core/index.ts'

export interface DataFolderLock {
  release(): Promise<void>
}

/**
 * Makes this process the owner of a data directory until it releases or dies. A lock whose process is gone (the
 * machine restarted, or the process id belongs to another program now) is taken over. DATA_IN_USE.
 */
export async function lockDataFolder(folder: string): Promise<DataFolderLock> {
  await mkdir(folder, { recursive: true, mode: 0o750 })
  const path = join(folder, 'lock')
  const mine = JSON.stringify({ pid: process.pid, startedAt: await startOf(process.pid), nonce: randomUUID() })
  for (let attempt = 0; attempt < 10; attempt++) {
    if (await claim(path, mine)) {
      await removeLeftovers(folder)
      return { release: () => releaseLock(path, mine) }
    }
    const found = await readLock(path)
    if (found === undefined) continue
    if (await isAlive(found)) throw inUse(folder, found.pid)
    await removeStale(path, found.text)
  }
  throw new LarderError('DATA_IN_USE', {
    message: `Several processes are trying to lock ${folder} at once.`,
    hint: 'Start only one Larder for a data directory.',
  })
}

/** What starters that were killed while they took the lock have left beside it. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!/^lock\.[0-9a-f-]{36}$/.test(name)) continue
    const found = await readLock(join(folder, name))
    if (found !== undefined && !(await isAlive(found))) await rm(join(folder, name), { force: true })
  }
}

interface FoundLock {
  pid: number
  startedAt: string
  text: string
}

/** The lock appears with its content, by link(2), so that nobody ever reads an empty one. */
async function claim(path: string, content: string): Promise<boolean> {
  const temporary = `${path}.${randomUUID()}`
  await writeFile(temporary, content, { flag: 'wx', mode: 0o640 })
  try {
    await link(temporary, path)
    return true
  } catch (error) {
    // ENOENT: the new owner took it for a leftover, since it was still empty.
    if (hasCode(error, 'EEXIST') || hasCode(error, 'ENOENT')) return false
    throw error
  } finally {
    await rm(temporary, { force: true })
  }
}

async function readLock(path: string): Promise<FoundLock | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
  const [, pid] = /"pid":(\d+)/.exec(text) ?? []
  const [, startedAt] = /"startedAt":"([^"]*)"/.exec(text) ?? []
  return { pid: Number(pid ?? 0), startedAt: startedAt ?? '', text }
}

async function isAlive(lock: FoundLock): Promise<boolean> {
  if (lock.pid <= 0) return false
  try {
    process.kill(lock.pid, 0)
  } catch (error) {
    // EPERM: it lives, and belongs to someone else.
    if (hasCode(error, 'ESRCH')) return false
    if (!hasCode(error, 'EPERM')) throw error
  }
  return (await startOf(lock.pid)) === lock.startedAt
}

/** Boot and start time of a process, which a later process with the same id does not share: proc(5), field 22 of stat. '' where there is no /proc. */
async function startOf(pid: number): Promise<string> {
  try {
    const [boot, stat] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readFile(`/proc/${pid}/stat`, 'utf8'),
    ])
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A zombie has ended; only its parent has not asked for its exit status yet.
    return fields[0] === 'Z' ? '' : `${boot.trim()}/${fields[19] ?? ''}`
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ESRCH')) return ''
    throw error
  }
}

/** Two starters may judge the same stale lock: whoever moved away a newer one than it judged puts it back. */
async function removeStale(path: string, judged: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`
  try {
    await rename(path, aside)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return
    throw error
  }
  try {
    if ((await readFile(aside, 'utf8')) !== judged) await link(aside, path)
  } catch (error) {
    // The new owner has cleared it away.
    if (!hasCode(error, 'ENOENT')) throw error
  } finally {
    await rm(aside, { force: true })
  }
}

async function releaseLock(path: string, mine: string): Promise<void> {
  const found = await readLock(path)
  if (found?.text === mine) await rm(path, { force: true })
}

function inUse(folder: string, pid: number): LarderError {
  return new LarderError('DATA_IN_USE', {
    message: `Process ${pid} is running on the data directory ${folder}.`,
    hint: `Stop it first, or choose another data directory.`,
    context: { folder, pid },
  })
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
