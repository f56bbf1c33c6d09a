/** What a forge reported, in the words of no forge. What Larder does not act on is a value too. */
export type ForgeEvent =
  | {
      kind: 'push'
      branch: string
      /** The branch's new head: what is applied, however a pull request was merged. */
      commit: string
    }
  | {
      kind: 'pull-request'
      number: number
      action: 'open' | 'update' | 'close'
      /** Closed by being merged. */
      merged: boolean
      /** Branch that the change is on. */
      head: string
      headCommit: string
      /** `owner/name`; undefined when the fork was deleted meanwhile. A name only: never an address to fetch from. */
      headRepository: string | undefined
      /** Branch that it is to be merged into. */
      base: string
      baseCommit: string
      /** The head is in another repository than the base: planned without secrets and within limits. */
      fromFork: boolean
    }
  | { kind: 'ignored'; reason: string }
