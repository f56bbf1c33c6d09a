import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fstatSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { LarderError } from '../core/index.ts'
import { feed } from './feed.ts'
import { unpackingEnvironment } from './unpacking-environment.ts'
import { xzCommand } from './xz-command.ts'

export interface UnpackToFileOptions {
  /** Exactly so many bytes are expected, at most so many written, give or take what is written in a moment. */
  exactBytes: number
  signal: AbortSignal
  /** What is unpacked, for messages. */
  label: string
  /** Where `xz` is looked for. Default: the usual folders. */
  programPath?: string
}

/**
 * Unpacks xz by the system's `xz` straight into a file, from its beginning: what was packed need not pass through this
 * process to be skipped. Several streams behind one another become one file. DECOMPRESS_FAILED, DECOMPRESS_BOMB,
 * TOOL_MISSING, CANCELLED, and what the source throws.
 */
export async function unpackToFile(
  source: AsyncIterable<Uint8Array>,
  file: FileHandle,
  options: UnpackToFileOptions,
): Promise<void> {
  const { exactBytes, signal, label } = options
  const [program, ...args] = xzCommand
  const child = spawn(program, args, {
    stdio: ['pipe', file.fd, 'ignore'],
    env: unpackingEnvironment(options.programPath),
  })
  const input = child.stdin!
  input.on('error', () => undefined)
  const ended = once(child, 'close')
  ended.catch(() => undefined)
  const stop = (): void => void child.kill('SIGKILL')
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  const watch = setInterval(() => {
    if (fstatSync(file.fd).size > exactBytes) stop()
  }, watchEveryMs)
  try {
    await feed(source, input)
    await ended
  } catch (error) {
    throw isMissing(error) ? missing(label, program) : error
  } finally {
    clearInterval(watch)
    signal.removeEventListener('abort', stop)
    stop()
    input.destroy()
    await ended.catch(() => undefined)
  }
  if (signal.aborted) throw new LarderError('CANCELLED', { message: `unpacking ${label} was stopped` })
  await check(file, child, options)
}

/** A program that writes to a file cannot be held back as one can that writes to a pipe. */
const watchEveryMs = 20

async function check(
  file: FileHandle,
  child: { exitCode: number | null },
  { exactBytes, label }: UnpackToFileOptions,
): Promise<void> {
  const { size } = await file.stat()
  if (size > exactBytes)
    throw new LarderError('DECOMPRESS_BOMB', { message: `${label} unpacks to more than ${exactBytes} bytes` })
  if (child.exitCode === 0 && size === exactBytes) return
  throw new LarderError('DECOMPRESS_FAILED', {
    message: `${label} cannot be unpacked: ${size} of ${exactBytes} bytes came out`,
  })
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT' && (error as NodeJS.ErrnoException).syscall !== undefined
}

function missing(label: string, program: string): LarderError {
  return new LarderError('TOOL_MISSING', {
    message: `${label} cannot be unpacked: ${program} is not installed`,
    hint: `install ${program}`,
  })
}
