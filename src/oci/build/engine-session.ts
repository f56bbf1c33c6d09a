import { isLarderError, LarderError } from '../../core/index.ts'
import { BuildLog } from './build-log.ts'
import type { Confinement } from './confinement.ts'
import type { DiskWatch } from './disk-watch.ts'
import type { Dockerfile } from './dockerfile.ts'
import type { BuildRequest } from './image-builder.ts'
import { runEngine } from './run-engine.ts'

export interface SessionOptions {
  program: string
  /** Of Debian, which brings the program. */
  package: string
  /** Before the arguments of every command. */
  common: readonly string[]
  environment: Readonly<Record<string, string>>
  refuse: DiskWatch
  /** Default: the engine's own limits. */
  confinement?: Confinement | undefined
  /** What it writes as an error is its reason: nothing else is written there. */
  tellsErrorsApart?: boolean
  /** Sees each line before it is logged. */
  onLine?: ((line: string, log: BuildLog) => void) | undefined
}

export interface RunOptions {
  /** Nothing can be reached from it. */
  isOffline?: boolean
  /** Default: it is logged. */
  onLine?: (line: string, isError: boolean) => void
}

/** Runs a command of an engine to its good end, or throws why it has none. */
export type RunCommand = (args: readonly string[], options?: RunOptions) => Promise<void>

/** The commands of one build: one log and one span of time for all of them. */
export function openSession(request: BuildRequest, dockerfile: Dockerfile, options: SessionOptions): RunCommand {
  const { limits, signal } = request
  const { program, common, environment, refuse, confinement } = options
  const log = new BuildLog(dockerfile, { log: request.log, logBytes: limits.logBytes, mask: request.mask })
  const endsAt = performance.now() + limits.timeoutMs
  const toLog = (line: string, isError: boolean): void => {
    options.onLine?.(line, log)
    log.add(line, isError && options.tellsErrorsApart === true)
  }
  return async (args, { isOffline = false, onLine = toLog } = {}) => {
    try {
      const status = await runEngine(program, [...common, ...args], {
        environment,
        timeoutMs: Math.max(1, endsAt - performance.now()),
        onLine,
        signal,
        package: options.package,
        refuse,
        confined: confinement && { by: confinement, isOffline },
      })
      if (status !== 0) throw (await confinement?.exceeded()) ?? log.failure(request.dockerfile, status)
    } catch (error) {
      throw isLarderError(error) ? withPlace(error, { request, log }) : error
    }
  }
}

/** A limit is named with the line of the Dockerfile that reached it. */
function withPlace(error: LarderError, { request, log }: { request: BuildRequest; log: BuildLog }): LarderError {
  const { code, hint, message, context } = error
  if (code !== 'BUILD_LIMIT' && code !== 'BUILD_TIMEOUT') return error
  const { line, instruction } = log.place()
  const minutes = `The build did not end within ${Math.round(request.limits.timeoutMs / 1000)} s.`
  return new LarderError(code, {
    message: `${request.dockerfile}:${line}: ${instruction.slice(0, 200)}: ${code === 'BUILD_TIMEOUT' ? minutes : message}`,
    ...(hint === undefined ? {} : { hint }),
    context: { ...context, dockerfile: request.dockerfile, line, instruction, lastLines: log.lastLines() },
  })
}
