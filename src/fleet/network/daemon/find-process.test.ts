import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { findProcess, hasEnded, isIdle } from './find-process.ts'

const started: ChildProcess[] = []
afterEach(async () => {
  for (const child of started.splice(0)) {
    const ended = once(child, 'exit')
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await ended
  }
})

/** Started, with the first line that it says, where it says any. */
async function start(script: string, ...args: string[]): Promise<{ pid: number; line: string }> {
  const child = spawn('/bin/sh', ['-c', script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  started.push(child)
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  return { pid: child.pid!, line }
}

describe.skipIf(process.platform !== 'linux')('a process', () => {
  it('is found by its command, also while that is what it will become', async () => {
    const server = ['/nonexistent/server', `--conf-file=/${randomUUID()}`]
    expect(await findProcess(server)).toBeUndefined()
    // As setpriv(1) and `ip netns exec` stand before what they run.
    const { pid } = await start('echo ready; read line', '--', ...server)
    expect(await findProcess(server)).toBe(pid)
    expect(await findProcess(server.slice(0, 1))).toBeUndefined()
    const script = 'echo ready; read line'
    const other = await start(script, server[1]!)
    expect(await findProcess(['/bin/sh', '-c', script, server[1]!])).toBe(other.pid)
  })

  it('has ended when nobody has waited for it yet, and when it is gone', async () => {
    // It becomes a program that waits for nobody.
    const { pid, line } = await start('sleep 0.05 & echo $!; exec sleep 60')
    const ended = Number(line)
    await expect.poll(() => hasEnded(ended)).toBe(true)
    process.kill(ended, 0)
    expect(await hasEnded(pid)).toBe(false)
    process.kill(pid, 'SIGKILL')
    await expect.poll(() => hasEnded(pid)).toBe(true)
  })

  it('is idle while it sleeps, and not while it works or is stopped', async () => {
    const { pid } = await start('echo ready; while :; do :; done')
    expect(await isIdle(pid)).toBe(false)
    process.kill(pid, 'SIGSTOP')
    expect(await isIdle(pid)).toBe(false)
    const sleeping = await start('echo ready; exec sleep 60')
    await expect.poll(() => isIdle(sleeping.pid)).toBe(true)
  })
})
