/** What a forge reported, in the words of no forge. What Larder does not act on is a value too. */
export type ForgeEvent =
  | {
      kind: 'push'
      branch: string
      /** The branch's new head: what is applied, however a pull request was merged. */
      commit: string
    }
  | PullRequestEvent
  | ApprovalEvent
  | { kind: 'ignored'; reason: string }

/** Something happened to a pull request. */
export interface PullRequestEvent extends PullRequest {
  kind: 'pull-request'
  action: 'open' | 'update' | 'close'
  /** Closed by being merged. */
  merged: boolean
  /** Whether the label by which word is given is on it. Undefined where the forge tells when that is set. */
  labelled?: boolean
}

/** A proposed change. */
export interface PullRequest {
  number: number
  /** One line. */
  title: string
  /** Login name. */
  author: string
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
  /** When it last changed, as the forge says: news may arrive out of order. */
  updatedAt: Date
}

/** Somebody gave their word for a pull request: a comment `/larder ok`, or the label `larder ok`. */
export interface ApprovalEvent {
  kind: 'approval'
  number: number
  /** Login name. Whether they may is asked of the forge (`ForgeApi.mayApprove`). */
  by: string
  /** What the payload says of that person's rights. Undefined: nothing. */
  mayApprove: boolean | undefined
  /** The label is on it: nothing says that it was set just now. */
  labelled?: true
  /** The head, or the beginning of it, that was approved. Undefined: the one that was reported on last. */
  commit: string | undefined
}
