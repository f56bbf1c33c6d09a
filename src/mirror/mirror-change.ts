import type { Digest, LarderError, Postponed } from '../core/index.ts'
import type { PreparedPublication } from '../publish/index.ts'
import type { AnyFormat, MirrorPackage, MirrorRequest, Resolution } from './format.ts'
import type { MirrorConfig } from './mirror-schema.ts'
import type { PackageDiff } from './package-diff.ts'

/** One mirror of larder.yaml and what is true of it now. */
export interface ObservedMirror {
  request: MirrorRequest<unknown, MirrorConfig>
  format: AnyFormat
  loaded: unknown
  /** Digest of everything that decides what is published. */
  inputs: string
  /** Undefined also when they were forgotten, so that everything is looked at again. */
  publishedInputs: string | undefined
  publishedPackages: readonly MirrorPackage[]
  published: boolean
}

export interface ObservedMirrors {
  mirrors: ObservedMirror[]
  /** Published, but no longer in larder.yaml. */
  orphans: string[]
  /** Those whose upstreams cannot be asked now. */
  postponed: Postponed[]
  /** Why others cannot be made as they are declared: exit status 3. */
  refusals: LarderError[]
}

/** What a run will do to one mirror. */
export interface MirrorChange {
  subject: string
  action: 'create' | 'update' | 'remove'
  summary: string
  detail: {
    mirror: string
    inputs: string
    added: MirrorPackage[]
    removed: MirrorPackage[]
    changed: PackageDiff['changed']
    notes: readonly string[]
    fetchBytes: number
  }
  /** Undefined for a removal. Not JSON: lives as long as the plan. */
  work: PlannedWork | undefined
}

export interface PlannedWork {
  observed: ObservedMirror
  resolution: Resolution
  /** Packages that come by all changes of the plan together, this one among them. */
  comingCount: number
}

/** What is ready to be switched to. JSON. */
export interface StagedMirror {
  mirror: string
  inputs: string
  /** Undefined for a removal. */
  work: StagedWork | undefined
}

export interface StagedWork {
  format: string
  snapshotNumber: number
  /** The tree that clients saw when this was staged: verify looks at what differs. Undefined: at everything. */
  previousTree: Digest | undefined
  /** Undefined when clients see just this already: then only the inputs are remembered. */
  prepared: PreparedPublication | undefined
  validForMs: number | undefined
}
