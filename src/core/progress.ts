/** Where slow work tells how far it is. Implementations render it, log it or drop it. */
export interface Progress {
  /** A line for the log of the step, for people. */
  log(message: string): void
  /** State of the transfer that is under way. Called often; cheap. */
  transfer(state: TransferState): void
}

export interface TransferState {
  label: string
  doneBytes: number
  totalBytes: number
  doneItems: number
  totalItems: number
}

export const silentProgress: Progress = { log: () => {}, transfer: () => {} }
