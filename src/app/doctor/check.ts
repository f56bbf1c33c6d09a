import type { Digest, Finding } from '../../core/index.ts'
import type { EventStore, Outbox } from '../../pipeline/index.ts'
import type { Keyring } from '../../publish/index.ts'
import type { Cache } from '../../state/index.ts'
import type { ControllerConfig } from '../config/controller-config.ts'
import type { ControllerContext } from '../controller/context.ts'
import type { DataFolder } from '../data-folder.ts'
import type { ConnectedForge } from '../site-source/connected-forge.ts'
import type { Housekeeping } from '../housekeeping.ts'
import type { LoadedMirror } from './load-mirrors.ts'

/** Something that a check found wrong, with the way to mend it where that is safe. */
export interface Ailment extends Finding {
  mend?: () => Promise<void>
}

/** One thing that doctor looks at. */
export interface DoctorCheck {
  /** One word, for people and for `--json`. */
  readonly name: string
  /** None found is an empty list. A LarderError that is thrown becomes a finding. */
  look(context: DoctorContext): Promise<Ailment[]>
}

/** What Larder hands to its doctor; put together in open-larder.ts. */
export interface DoctorRoom {
  context: ControllerContext
  dataFolder: DataFolder
  environment: NodeJS.ProcessEnv
  /** How TLS is served. */
  tls: ControllerConfig['tls']
  /** Undefined: the built-in Git endpoint is where the site is. */
  connected: ConnectedForge | undefined
  keyring: Keyring
  cache: Cache
  events: EventStore
  outbox: Pick<Outbox, 'waitingSince' | 'wake'>
  /** Nothing is believed of the publication any more: the next apply looks for every blob and publishes anew. */
  forgetInputs: (mirror: string) => Promise<void>
  housekeeping: Pick<Housekeeping, 'reconcile' | 'reseal' | 'collect'>
  mainCommit: () => Promise<string | undefined>
  settleDeliveries: () => Promise<void>
}

/** What a check works with. */
export interface DoctorContext extends DoctorRoom {
  /** Read every byte. */
  deep: boolean
  signal: AbortSignal
  /** This process is the controller; otherwise none runs on the data folder. */
  isServing: boolean
  /** Mirrors of the head of main with their upstreams asked anew; asked once, however many checks want it. */
  loadMirrors: () => Promise<LoadedMirror[]>
  /** Has a run look at every blob of the mirror, fetch and make what is missing, and publish it. */
  restage: (mirror: string) => Promise<void>
  /** Throws damaged blobs away, whoever needs them: nothing is better than wrong bytes, and makes room for right ones. */
  discard: (digests: readonly Digest[]) => Promise<void>
  /** What was discarded so far. */
  removed: ReadonlySet<Digest>
  /** Forgets older generations and snapshots whose list of files cannot be read. */
  forgetUnreadable: () => Promise<void>
}
