import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { expect } from 'vitest'

/** The kernel ends what was killed in a moment; an engine takes a little longer. */
export async function expectNoProcess(part: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (!(await isRunning(part))) return
    await wait(100)
  }
  expect.fail(`"${part}" runs still`)
}

/** Whether the command line of some process ends with this. */
export async function isRunning(part: string): Promise<boolean> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (text.replaceAll('\0', ' ').trim().endsWith(part)) return true
  }
  return false
}
