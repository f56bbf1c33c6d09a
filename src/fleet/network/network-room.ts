import type { Clock, Log } from '../../core/index.ts'

/** What servers of a network are given to work with. */
export interface NetworkRoom {
  /** Of the data folder; 0700. What is where in it: docs/design.md, On disk. */
  readonly folder: string
  readonly clock: Clock
  readonly log: Log
  /** Network namespace, ip-netns(8), that servers and their interfaces are in. Default: this host's own. */
  readonly namespace?: string | undefined
}
