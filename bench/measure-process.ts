import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

export interface ProcessResult {
  seconds: number
  /** Peak resident memory of the process itself. */
  peakMiB: number
  stdout: string
}

/** Runs a program to its end; a failure is an error with what it said. */
export async function measureProcess(
  program: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Promise<ProcessResult> {
  const started = performance.now()
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  const memory = watchMemory(child)
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)]
  const [code] = (await once(child, 'close')) as [number | null]
  const seconds = (performance.now() - started) / 1000
  memory.stop()
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${stdout()}\n${stderr()}`)
  return { seconds, peakMiB: memory.peakMiB(), stdout: stdout() }
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const parts: Buffer[] = []
  stream.on('data', (part: Buffer) => parts.push(part))
  return () => Buffer.concat(parts).toString()
}

export interface MemoryWatch {
  /** Of the process itself: the kernel's own high-water mark. */
  peakMiB(): number
  /** Most that its child processes held at any look. */
  childrenPeakMiB(): number
  /** Most that all of them held at any look. */
  togetherPeakMiB(): number
  stop(): void
}

const lookEveryMs = 20

export function watchMemory({ pid }: ChildProcess): MemoryWatch {
  let [own, children, together] = [0, 0, 0]
  const look = (): void => {
    if (pid === undefined) return
    own = Math.max(own, statusMiB(pid, 'VmHWM'))
    const now = childrenOf(pid).reduce((sum, child) => sum + (isCopy(child, pid) ? 0 : statusMiB(child, 'VmRSS')), 0)
    children = Math.max(children, now)
    together = Math.max(together, now + statusMiB(pid, 'VmRSS'))
  }
  const timer = setInterval(look, lookEveryMs)
  const last = (value: () => number) => () => {
    look()
    return value()
  }
  return {
    peakMiB: last(() => own),
    childrenPeakMiB: last(() => children),
    togetherPeakMiB: last(() => together),
    stop: () => {
      clearInterval(timer)
    },
  }
}

/** Between fork and exec a child shows its parent's memory as its own. */
function isCopy(child: number, parent: number): boolean {
  const program = (pid: number): string | undefined => orNothing(() => readlinkSync(`/proc/${pid}/exe`))
  return program(child) === program(parent)
}

function childrenOf(pid: number): number[] {
  const threads = orNothing(() => readdirSync(`/proc/${pid}/task`)) ?? []
  const direct = threads.flatMap((thread) =>
    (orNothing(() => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')) ?? '')
      .split(' ')
      .filter((text) => text.trim() !== ''),
  )
  return direct.flatMap((child) => [Number(child), ...childrenOf(Number(child))])
}

function statusMiB(pid: number, field: string): number {
  const status = orNothing(() => readFileSync(`/proc/${pid}/status`, 'utf8')) ?? ''
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) / 1024
}

/** A process may end between two looks. */
function orNothing<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
}
