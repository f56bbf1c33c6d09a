import { formatBytes, type KindContext, type PreviewedChange } from '../core/index.ts'
import type { KeyKind, Previews, SigningKey } from '../publish/index.ts'
import type { MirrorChange } from './mirror-change.ts'
import type { MirrorKindOptions } from './mirror-kind.ts'
import { heldBefore } from './package-diff.ts'

/** What previews of mirrors are made with. */
export interface PreviewOptions {
  previews: Previews
  /** Never a mirror's own: what a pull request proposes must not be able to pass for the mirror. */
  signingKey: (kind: KeyKind) => Promise<SigningKey>
  limits: PreviewLimits
}

export interface PreviewLimits {
  keepMs: number
  /** Most bytes that one run may have fetched, for all its mirrors together. */
  bytes: number
  /** What holds for somebody whom nobody has vouched for. */
  /** `packages`: most that may come, to all mirrors of a run together. */
  untrusted: { isAllowed: boolean; packages: number; bytes: number }
}

/**
 * Fetches what is missing, composes the mirror as it would be, and signs it for clients to try. The publication, its
 * snapshots and what is remembered of its last composition stay as they are; what was fetched is there for the apply.
 */
export async function previewMirror(
  options: MirrorKindOptions & { preview: PreviewOptions },
  context: KindContext,
  change: MirrorChange,
): Promise<PreviewedChange | undefined> {
  const { subject, detail, work } = change
  if (work === undefined) return undefined
  const leftOut = await reasonAgainst(context, change, options.preview)
  if (leftOut !== undefined) return { subject, leftOut }
  const { observed, resolution } = work
  const { format, loaded, request } = observed
  const { leases, clock, preview } = options
  const lease = await leases.acquire(`run/${context.runId}`)
  const { progress, signal, freshForMs } = context
  const formatContext = { lease, progress, signal, freshForMs, now: clock.now() }
  const isTrusted = observed.publishedInputs !== undefined
  const held = isTrusted ? heldBefore(detail, observed.publishedPackages) : new Set<never>()
  const staged = await format.stagePackages(formatContext, loaded, { resolution, held })
  const { tree, meta } = await format.compose(formatContext, loaded, { request, resolution: staged, aside: true })
  const keyKind = format.keyKind(request.mirror)
  const key = await preview.signingKey(keyKind)
  await preview.previews.add({
    runId: Number(context.runId),
    mirror: detail.mirror,
    format: format.name,
    keyKind,
    tree,
    meta,
    sizeBytes: detail.fetchBytes,
    expiresAt: new Date(clock.now().getTime() + preview.limits.keepMs),
    lease,
    sealer: format.sealer({ name: detail.mirror, meta }, key),
  })
  return { subject, format: format.name, path: `${format.name}/${detail.mirror}/` }
}

async function reasonAgainst(
  context: KindContext,
  { detail, work }: MirrorChange,
  { limits, previews }: PreviewOptions,
): Promise<string | undefined> {
  const { fetchBytes, mirror } = detail
  const made = (await previews.ofRun(Number(context.runId))).filter((preview) => preview.mirror !== mirror)
  const wantedBytes = made.reduce((sum, { sizeBytes }) => sum + sizeBytes, fetchBytes)
  if (context.trust === 'trusted') return beyond(wantedBytes, limits.bytes)
  const { isAllowed, packages, bytes } = limits.untrusted
  if (!isAllowed) return 'a maintainer has to say /larder ok first'
  const count = work?.comingCount ?? 0
  if (count > packages)
    return `${count} packages would come in all, and ${packages} are allowed until a maintainer says /larder ok`
  return beyond(wantedBytes, Math.min(bytes, limits.bytes), ' until a maintainer says /larder ok')
}

function beyond(bytes: number, allowed: number, until = ''): string | undefined {
  if (bytes <= allowed) return undefined
  return `${formatBytes(bytes)} would be fetched, and ${formatBytes(allowed)} are allowed${until}`
}
