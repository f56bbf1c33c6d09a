import type { Finding } from '../../core/index.ts'

export interface DoctorFinding extends Finding {
  /** Name of the check that found it. */
  check: string
  /** `fix` mends it. */
  fixable: boolean
  fixed: boolean
}

export interface DoctorReport {
  /** The worst first; what was mended last. */
  findings: DoctorFinding[]
  /** Names of what was looked at. */
  checks: string[]
  usage: {
    folder: string
    blobCount: number
    blobBytes: number
    uploadBytes: number
    cacheBytes: number
    siteBytes: number
    databaseBytes: number
  }
  /** Runs that were queued to mend what takes a run. */
  runs: number[]
}
