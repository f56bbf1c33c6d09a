import { LarderError, type Clock } from '../../../core/index.ts'

/** Waits. CANCELLED. */
export async function pause(
  durationMs: number,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<void> {
  try {
    await clock.sleep(durationMs, signal)
  } catch (error) {
    if (!signal.aborted) throw error
    throw new LarderError('CANCELLED', { message: 'waiting for EC2 was stopped', cause: error })
  }
}
