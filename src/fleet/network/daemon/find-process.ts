import { readdir, readFile } from 'node:fs/promises'

/**
 * The process that runs just this command, or is about to: what confines it, or leads it into a namespace, has it as the end of its own
 * until it becomes it. Undefined: none. A process that has ended and was not waited for is none. Source: proc(5).
 */
export async function findProcess(command: readonly string[]): Promise<number | undefined> {
  const wanted = `${command.join('\0')}\0`
  const pids = (await readdir('/proc')).filter((name) => /^[1-9][0-9]*$/.test(name))
  const commands = await Promise.all(pids.map(commandOf))
  const exact = commands.indexOf(wanted)
  const index = exact < 0 ? commands.findIndex((one) => one.endsWith(`\0${wanted}`)) : exact
  return index < 0 ? undefined : Number(pids[index])
}

async function commandOf(pid: string): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/cmdline`, 'utf8')
  } catch (error) {
    if (isGone(error)) return ''
    throw error
  }
}

/**
 * Whether nothing is left of a process that was found before. Its command is gone first; what it has open, as ports and locks of files,
 * goes with the last of its threads. Source: proc(5).
 */
export async function hasEnded(pid: number): Promise<boolean> {
  const found = await lookAt(pid)
  return found === undefined || (/^[ZX]$/.test(found.state) && found.threads <= 1)
}

/** Whether a process waits for something to come: what it was told by signals before, it has done by then. Source: proc(5). */
export async function isIdle(pid: number): Promise<boolean> {
  const found = await lookAt(pid)
  return found === undefined || found.state === 'S'
}

interface ProcessLook {
  state: string
  threads: number
}

async function lookAt(pid: number): Promise<ProcessLook | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8')
    // Its name stands in brackets, and may have any in it.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0] ?? '', threads: Number(fields[17]) }
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

/** It ended while it was looked at. */
export function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ESRCH'
}
