import { isLarderError, type LarderError } from './error.ts'

/** A part of a run that waits for something outside, an upstream, while the rest goes on. */
export interface Postponed {
  /** `mirror base` */
  subject: string
  /** Retryable: the run is tried again for it. */
  error: LarderError
}

/** Whether this passes and is of one part alone. What ails the host or its store ails every part. */
export function mayBePostponed(error: unknown): error is LarderError {
  if (isLarderError(error, 'DISK_FULL', 'LEASE_LOST', 'CACHE_DAMAGED')) return false
  return isLarderError(error) && error.retryable
}
