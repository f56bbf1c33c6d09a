import type { ErrorCode } from '../../core/index.ts'
import type { CompileOptions } from '../compile-index.ts'
import type { PackedForm } from './packed-text.ts'

/** What a worker is to do, once in its life. */
export interface CompileTask {
  form: PackedForm
  options: CompileOptions
}

/** From the controller to the worker: the packed index, part by part. */
export type ToWorker =
  | { kind: 'task'; task: CompileTask }
  | { kind: 'part'; bytes: Uint8Array<ArrayBuffer> }
  | { kind: 'end' }
  /** The worker stops, and leaves nothing behind. */
  | { kind: 'stop' }

/** From the worker to the controller; `written` and `failed` are its last. */
export type FromWorker =
  /** One part has been used. */
  { kind: 'used' } | { kind: 'written' } | { kind: 'failed'; failure: SentFailure }

/** An error as it goes from thread to thread, where classes are lost. */
export type SentFailure =
  | { code: ErrorCode; message: string; hint?: string; context: Readonly<Record<string, unknown>> }
  /** None that Larder foresees, except those of the disk, which have the system's code. */
  | { code: undefined; message: string; stack: string | undefined; systemCode?: string }

/** Parts that may be under way: enough that the worker never waits, 64 KiB each. */
export const mostPartsUnderWay = 16
