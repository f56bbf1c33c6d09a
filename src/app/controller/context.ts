import { ownValue, type Clock, type Log } from '../../core/index.ts'
import { formatNamed, type AnyFormat, type MirrorConfig } from '../../mirror/index.ts'
import type { Registry } from '../../oci/index.ts'
import type { AnyKind, PullRequestStore, Runner, RunStore } from '../../pipeline/index.ts'
import type { KeyKind, PreviewQuota, Previews, Publisher, SigningKey } from '../../publish/index.ts'
import type { CollectableLeases, FileBlobStore } from '../../store/index.ts'
import type { GitRepository, OpenCommit } from '../../forge/index.ts'
import type { State } from '../../state/index.ts'
import type { Fleet } from '../create-fleet.ts'
import type { Images } from '../create-images.ts'
import type { ServedRegistry } from '../create-registry-cache.ts'
import type { OwnPackages } from '../own-packages.ts'
import type { SiteHead } from '../site-head.ts'

/** What the parts of the controller work with; put together once, in open-larder.ts. */
export interface ControllerContext {
  clock: Clock
  log: Log
  state: State
  store: FileBlobStore
  leases: CollectableLeases
  publisher: Publisher
  registry: Registry
  /** The registry as clients see it: with what is read through from others. */
  registryCache: ServedRegistry
  formats: readonly AnyFormat[]
  kinds: readonly AnyKind[]
  runs: RunStore
  runner: Runner
  /** Of the forge that has the site; undefined where there are no pull requests. */
  pullRequests: PullRequestStore | undefined
  repository: GitRepository
  /** Files of the site repository at a commit; what was read of the last ones is kept in memory. */
  openCommit: OpenCommit
  siteHead: SiteHead
  /** Names of the branches that are applied. */
  appliedBranches: () => Promise<string[]>
  /** Commits of the branches that are applied: main, and those that kinds follow. */
  appliedHeads: () => Promise<Map<string, string>>
  images: Images
  fleet: Fleet
  /** Packages that were added by hand. */
  own: OwnPackages
  signingKey: (mirror: string) => Promise<SigningKey>
  /** What pull requests would publish, and the key that signs it. */
  previews: Previews
  previewKey: (kind: KeyKind) => Promise<SigningKey>
  previewQuota: PreviewQuota
  /** Aborted when Larder is to stop: whatever waits for somebody else heeds it. */
  stopping: AbortSignal
  /** Address that people are told, without a slash at the end. */
  publicUrl: () => string
}

/** The mirror as the head of main declares it, or undefined when it does not. */
export async function declaredMirror(context: ControllerContext, name: string): Promise<MirrorConfig | undefined> {
  const head = await context.siteHead.current()
  const mirrors = head?.site.sections['mirrors'] as Record<string, MirrorConfig> | undefined
  return ownValue(mirrors, name)
}

/** What kind of key a mirror is to have, where one is made. */
export async function keyKindOf(context: ControllerContext, name: string): Promise<KeyKind> {
  const declared = await declaredMirror(context, name)
  return declared === undefined ? 'ed25519' : formatNamed(context.formats, declared.format).keyKind(declared)
}
