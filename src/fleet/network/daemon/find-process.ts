import { readdir, readFile } from 'node:fs/promises'

/** The process that runs just this command, or undefined. A process that has ended and was not waited for is none. Source: proc(5). */
export async function findProcess(command: readonly string[]): Promise<number | undefined> {
  const wanted = command.join('\0')
  const pids = (await readdir('/proc')).filter((name) => /^[1-9][0-9]*$/.test(name))
  const found = await Promise.all(pids.map((pid) => isCommand(pid, wanted)))
  const index = found.indexOf(true)
  return index < 0 ? undefined : Number(pids[index])
}

async function isCommand(pid: string, wanted: string): Promise<boolean> {
  try {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8')
    return command === `${wanted}\0`
  } catch (error) {
    if (isGone(error)) return false
    throw error
  }
}

/** It ended while it was looked at. */
export function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ESRCH'
}
