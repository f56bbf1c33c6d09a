import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { LarderError } from '../core/index.ts'

export interface DataFolderLock {
  release(): Promise<void>
}

/**
 * Makes this process the owner of a data directory until it releases or dies. DATA_IN_USE.
 *
 * What is held is SQLite's exclusive lock on an empty database beside the real one: the kernel gives it to one process
 * and takes it back at that one's end, however it ends, so there is no stale lock to judge. Source:
 * https://sqlite.org/lockingv3.html. The file `lock` only says who it is, for the refusal.
 */
export async function lockDataFolder(folder: string): Promise<DataFolderLock> {
  await mkdir(folder, { recursive: true, mode: 0o750 })
  const guard = takeGuard(join(folder, 'lock.db'))
  const path = join(folder, 'lock')
  if (guard === undefined) throw inUse(folder, await readOwner(path))
  try {
    await writeFile(`${path}.new`, JSON.stringify({ pid: process.pid }), { mode: 0o640 })
    await rename(`${path}.new`, path)
  } catch (error) {
    held.delete(guard)
    guard.close()
    throw error
  }
  return {
    async release() {
      await rm(path, { force: true })
      held.delete(guard)
      if (guard.isOpen) guard.close()
    },
  }
}

/** A lock whose holder forgets it is held all the same: what is collected is closed, and what is closed lets go. */
const held = new Set<DatabaseSync>()

/** Undefined when somebody else holds it. Nothing else in this process may open the file: closing it would let go too. */
function takeGuard(path: string): DatabaseSync | undefined {
  const guard = new DatabaseSync(path, { timeout: 0 })
  try {
    guard.exec('BEGIN EXCLUSIVE')
    held.add(guard)
    return guard
  } catch (error) {
    guard.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy) return undefined
    throw error
  }
}

/** https://sqlite.org/rescode.html#busy */
const sqliteBusy = 5

/** Undefined when it has not said yet who it is. */
async function readOwner(path: string): Promise<number | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const [, pid] = /"pid":(\d+)/.exec(text) ?? []
  return pid === undefined ? undefined : Number(pid)
}

function inUse(folder: string, pid: number | undefined): LarderError {
  return new LarderError('DATA_IN_USE', {
    message: `${pid === undefined ? 'Another process' : `Process ${pid}`} is running on the data directory ${folder}.`,
    hint: `Stop it first, or choose another data directory.`,
    context: { folder, pid },
  })
}
