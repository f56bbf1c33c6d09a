import type { LarderError } from '../core/index.ts'
import { hostOf } from './fetch-url.ts'
import { isCertificateFailure, isNobodyThere } from './network-failure.ts'
import { cancelled, throwIfAborted, type Slots } from './slots.ts'
import type { Failure, Outcome } from './outcome.ts'
import { transfer, type TransferKit, type TransferTask } from './transfer.ts'

export interface PersistKit extends TransferKit {
  slots: Slots
  /** From 0 up to, but without, 1. */
  random: () => number
}

/** A try that got so much further than all before it proves that it is worth going on. */
const progressBytes = 1024 * 1024

type PersistTask = Omit<TransferTask, 'fresh' | 'onReceived'> & { onReceived?: () => void }

/**
 * Tries one address until it gives the file, or no further try can help. `others`: there are more addresses, so
 * nothing is waited for at a host that is not there.
 */
export async function persist(kit: PersistKit, task: PersistTask, options: { others: boolean }): Promise<Outcome> {
  const tally: Tally = { tries: 0, restarts: 0, furthestBytes: 0 }
  let fresh = false
  for (;;) {
    const outcome = await inSlot(kit, { ...task, fresh })
    if (outcome.kind !== 'failed') return outcome
    throwIfAborted(task.signal)
    const next = decide(outcome, tally, { attempts: kit.limits.attempts, others: options.others })
    if (next === 'give up') return outcome
    fresh = next === 'restart'
    if (next === 'wait') await wait(kit, task.signal, { tries: tally.tries, askedMs: outcome.waitMs })
  }
}

async function inSlot(kit: PersistKit, task: PersistTask & { fresh: boolean }): Promise<Outcome> {
  const release = await kit.slots.acquire(hostOf(task.url.href), task.signal)
  let heldBytes = 0
  const onBytes = (more: number) => {
    heldBytes += more
    task.onBytes(more)
  }
  try {
    const onReceived = (): void => {
      release()
      task.onReceived?.()
    }
    const outcome = await transfer(kit, { ...task, onBytes, onReceived })
    // The next try tells what it takes up again.
    if (outcome.kind === 'failed' || outcome.kind === 'absent') task.onBytes(-heldBytes)
    return outcome
  } finally {
    release()
  }
}

interface Tally {
  tries: number
  restarts: number
  furthestBytes: number
}

function decide(
  failure: Failure,
  tally: Tally,
  options: { attempts: number; others: boolean },
): 'give up' | 'restart' | 'wait' {
  if (failure.then === 'restart') return tally.restarts++ === 0 ? 'restart' : 'give up'
  if (failure.then === 'next' || isHopeless(failure.error, options.others)) return 'give up'
  const heldBytes = failure.heldBytes ?? 0
  if (heldBytes >= tally.furthestBytes + progressBytes) {
    tally.furthestBytes = heldBytes
    tally.tries = 0
  }
  return ++tally.tries >= options.attempts ? 'give up' : 'wait'
}

function isHopeless(error: LarderError, others: boolean): boolean {
  return isCertificateFailure(error) || (others && isNobodyThere(error))
}

async function wait(kit: PersistKit, signal: AbortSignal, after: { tries: number; askedMs: number | undefined }) {
  const { backoffMs, maxBackoffMs } = kit.limits
  const fullMs = Math.min(maxBackoffMs, backoffMs * 2 ** Math.max(0, after.tries - 1))
  const jitteredMs = fullMs / 2 + (fullMs / 2) * kit.random()
  const waitMs = Math.max(jitteredMs, Math.min(after.askedMs ?? 0, maxBackoffMs))
  try {
    await kit.clock.sleep(waitMs, signal)
  } catch (error) {
    if (signal.aborted) throw cancelled(signal)
    throw error
  }
}
