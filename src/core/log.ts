import type { DestinationStream, Level, Logger } from 'pino'
import type * as Pino from 'pino'
import { type Clock, systemClock } from './clock.ts'
import { LarderError } from './error.ts'
import { lazyPackage } from './lazy-package.ts'
import { isSecretName, redactText, redacted } from './redact.ts'

const pino = lazyPackage((require) => require('pino') as typeof Pino)

export type LogLevel = Exclude<Level, 'fatal'>

/** One JSON object a line. Message first, then facts for programs. */
export interface Log {
  trace(message: string, facts?: Facts): void
  debug(message: string, facts?: Facts): void
  info(message: string, facts?: Facts): void
  warn(message: string, facts?: Facts): void
  error(message: string, facts?: Facts): void
  /** A log whose every line carries these facts: `{ run: 17 }`. */
  with(facts: Facts): Log
}

/** `error` may be anything that was thrown; it is written as code, message, hint, context, stack and causes. */
export type Facts = Readonly<Record<string, unknown>>

export interface LogOptions {
  /** Default `info`. */
  level?: LogLevel
  /** Where lines go, each with its newline. */
  destination: DestinationStream
  /** Default: the system clock. */
  clock?: Pick<Clock, 'now'>
}

/** Secrets are taken out of messages, of facts at any depth and of errors: by the name of the field and by their form. */
export function createLog(options: LogOptions): Log {
  const clock = options.clock ?? systemClock
  return wrap(
    pino().pino(
      {
        level: options.level ?? 'info',
        base: null,
        messageKey: 'message',
        formatters: { level: (label) => ({ level: label }) },
        timestamp: () => `,"time":"${clock.now().toISOString()}"`,
      },
      options.destination,
    ),
  )
}

/** Drops everything. */
export const silentLog: Log = {
  trace: () => {},
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  with: () => silentLog,
}

function wrap(target: Logger): Log {
  const at = (level: LogLevel) => (message: string, facts?: Facts) => {
    if (!target.isLevelEnabled(level)) return
    target[level](clean(facts ?? {}), redactText(message))
  }
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (facts) => wrap(target.child(clean(facts))),
  }
}

/** Deeper than this nothing is shown: facts are small, and a cycle ends here. */
const depthLimit = 8

function clean(facts: Facts): Record<string, unknown> {
  return cleanObject(facts, 0)
}

function cleanObject(object: object, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [
      name,
      isSecretName(name) && value !== undefined ? redacted : cleanValue(value, depth + 1),
    ]),
  )
}

function cleanValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return value
  if (depth > depthLimit) return '…'
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (value instanceof URL) return redactText(value.href)
  if (value instanceof Error) return cleanError(value, depth)
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`
  if (value instanceof Map) return cleanValue(Object.fromEntries(value), depth)
  if (value instanceof Set) return cleanValue([...value], depth)
  if (Array.isArray(value)) return value.map((item) => cleanValue(item, depth + 1))
  return cleanObject(value, depth)
}

function cleanError(error: Error, depth: number): Record<string, unknown> {
  const details = error instanceof LarderError ? { hint: error.hint, context: error.context } : {}
  const code = 'code' in error ? error.code : undefined
  return cleanObject(
    { name: error.name, code, message: error.message, ...details, stack: error.stack, cause: error.cause },
    depth,
  )
}
