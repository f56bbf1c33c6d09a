import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { LarderError } from '../core/index.ts'
import { feed } from './feed.ts'
import { unpackingEnvironment } from './unpacking-environment.ts'

export interface ProcessOptions {
  signal: AbortSignal
  label: string
  programPath?: string
  fail: (why: string) => LarderError
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>

/**
 * Unpacks by a program that filters stdin to stdout. TOOL_MISSING, before anything is read from the source.
 * The process has ended when the iteration has.
 */
export async function* decodeByProcess(
  source: AsyncIterable<Uint8Array>,
  command: readonly string[],
  options: ProcessOptions,
): AsyncGenerator<Buffer> {
  const child = await start(command, options)
  const ended = once(child, 'close')
  const stop = () => child.kill('SIGKILL')
  options.signal.addEventListener('abort', stop, { once: true })
  let sourceError: { thrown: unknown } | undefined
  const feeding = feed(source, child.stdin).catch((thrown: unknown) => {
    sourceError = { thrown }
    stop()
  })
  const complaint = readComplaint(child.stderr)
  try {
    yield* inLargePieces(child.stdout)
    await ended
    if (sourceError) throw sourceError.thrown
    if (options.signal.aborted)
      throw new LarderError('CANCELLED', { message: `unpacking ${options.label} was stopped` })
    if (child.exitCode !== 0) throw options.fail(explain(await complaint, child))
    await feeding
  } finally {
    options.signal.removeEventListener('abort', stop)
    stop()
    child.stdin.destroy()
    child.stdout.destroy()
    await ended
  }
}

/** xz writes 8 KiB at a time: each such piece passed on by itself would cost more than its use. */
const pieceBytes = 128 * 1024

async function* inLargePieces(output: Readable): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of output as AsyncIterable<Buffer>) {
    parts.push(chunk)
    sizeBytes += chunk.length
    if (sizeBytes < pieceBytes) continue
    yield Buffer.concat(parts, sizeBytes)
    parts = []
    sizeBytes = 0
  }
  if (sizeBytes > 0) yield Buffer.concat(parts, sizeBytes)
}

async function start(command: readonly string[], options: ProcessOptions): Promise<Child> {
  const [program, ...args] = command
  const child = spawn(program!, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: unpackingEnvironment(options.programPath),
  })
  child.stdin.on('error', () => {})
  try {
    await once(child, 'spawn')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new LarderError('TOOL_MISSING', {
      message: `${options.label} cannot be unpacked: ${program} is not installed`,
      hint: `install ${program}`,
    })
  }
  return child
}

async function readComplaint(stderr: Readable): Promise<string> {
  let text = ''
  for await (const chunk of stderr) if (text.length < 1000) text += String(chunk)
  return text
}

function explain(complaint: string, child: Child): string {
  const said = complaint
    .trim()
    .split('\n')[0]
    ?.replace(/^\w+: \(stdin\): /, '')
  if (said !== undefined && said !== '') return said
  return child.signalCode === null ? `status ${child.exitCode}` : `killed by ${child.signalCode}`
}
