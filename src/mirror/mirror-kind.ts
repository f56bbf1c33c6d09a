import type { Clock, Kind } from '../core/index.ts'
import type { Publisher, SigningKey } from '../publish/index.ts'
import type { BlobStore, Leases } from '../store/index.ts'
import { AnticipatedContents } from './anticipated-content.ts'
import type { AnyFormat } from './format.ts'
import type { MirrorChange, ObservedMirrors, StagedMirror } from './mirror-change.ts'
import { mirrorGrammar } from './mirror-grammar.ts'
import type { MirrorMemory } from './mirror-memory.ts'
import type { MirrorsConfig } from './mirror-schema.ts'
import type { OwnUpstream } from './own-packages.ts'
import { observeMirrors } from './observe-mirrors.ts'
import { planMirrors } from './plan-mirror.ts'
import { previewMirror, type PreviewOptions } from './preview-mirror.ts'
import { refuseUntrusted } from './refuse-untrusted.ts'
import { stageMirror } from './stage-mirror.ts'
import { switchMirror } from './switch-mirror.ts'
import { verifyPublished } from './verify-published.ts'

export interface MirrorKindOptions {
  formats: readonly AnyFormat[]
  publisher: Publisher
  store: BlobStore
  leases: Leases
  clock: Clock
  /** The key that signs a mirror; made at first use. */
  signingKey: (mirror: string) => Promise<SigningKey>
  memory: MirrorMemory
  /** Packages of one's own that a mirror has. */
  ownUpstream: (mirror: string) => Promise<OwnUpstream | undefined>
  preview: PreviewOptions
}

export type MirrorKind = Kind<MirrorsConfig, ObservedMirrors, MirrorChange, StagedMirror>

/** The kind `mirrors`: package repositories with a curated content, for every format alike. */
export function createMirrorKind(options: MirrorKindOptions): MirrorKind {
  const anticipated = new AnticipatedContents(options)
  return {
    ...mirrorGrammar(options.formats),
    nothing: {},
    plansInPart: true,
    async observe(context, desired) {
      await refuseUntrusted(context, desired)
      return observeMirrors(options, context, desired)
    },
    postponed: ({ postponed }) => postponed,
    plan: (_desired, observed) => planMirrors(observed),
    anticipate(context, { detail, work }) {
      if (work !== undefined) anticipated.begin(context, { detail, work })
    },
    stage: (context, change) => stageMirror(options, anticipated, context, change),
    preview: (context, change) => previewMirror(options, context, change),
    switch: (_context, staged) => switchMirror(options, staged),
    verify: (_context, { mirror, work }) =>
      work === undefined ? Promise.resolve([]) : verifyPublished(options, mirror, work.previousTree),
  }
}
