import { randomUUID } from 'node:crypto'
import { LarderError, silentProgress, type Finding } from '../../core/index.ts'
import {
  contentOf,
  diffPackages,
  formatNamed,
  formatOfSnapshot,
  mirrorsOf,
  readMirrorRequest,
  republish,
  validForMsOf,
  type AnyFormat,
  type MirrorConfig,
  type MirrorPackage,
} from '../../mirror/index.ts'
import { readTree, verifyTree, type Publication, type Snapshot } from '../../publish/index.ts'
import type { Controller, MirrorDetail, MirrorSummary, PublicationSummary, SnapshotSummary } from '../controller.ts'
import { declaredMirror, type ControllerContext } from './context.ts'

type MirrorMethods = Pick<
  Controller,
  'mirrors' | 'mirror' | 'snapshots' | 'packages' | 'diff' | 'why' | 'promote' | 'rollback' | 'verify'
>

/** Questions about mirrors, and the two commands that change what is published without a run. */
export function createMirrorMethods(
  context: ControllerContext,
  { onPublished }: { onPublished: (mirror: string) => void },
): MirrorMethods {
  const { publisher } = context
  const publish = async (name: string, number: number): Promise<PublicationSummary> => {
    const published = await publishAgain(context, name, number)
    onPublished(name)
    return published
  }
  return {
    mirrors: async () => Promise.all((await mirrorNames(context)).map((name) => summarize(context, name))),
    mirror: (name) => detail(context, name),
    async snapshots(name) {
      await requireMirror(context, name)
      const current = await publisher.current(name)
      const snapshots = await publisher.snapshots(name)
      const summaries = snapshots.map((one) => summarizeSnapshot(context, one, current?.snapshotNumber === one.number))
      return (await Promise.all(summaries)).sort((a, b) => b.number - a.number)
    },
    packages: async (name, number) =>
      packagesOf(context, name, number ?? (await requirePublication(context, name)).snapshotNumber),
    diff: async (name, from, to) =>
      diffPackages(await packagesOf(context, name, from), await packagesOf(context, name, to)),
    why: (name, packageName) => why(context, name, packageName),
    promote: publish,
    rollback: async (name) => {
      await requireMirror(context, name)
      return publish(name, (await publisher.rollbackTarget(name)).number)
    },
    verify: (name) => verify(context, name),
  }
}

async function mirrorNames({ siteHead, publisher }: ControllerContext): Promise<string[]> {
  const head = await siteHead.current()
  const declared = Object.keys(mirrorsOf(head?.site.sections))
  return [...new Set([...declared, ...(await publisher.mirrors())])].sort()
}

/** MIRROR_UNKNOWN. */
export async function requireMirror(context: ControllerContext, name: string): Promise<void> {
  const names = await mirrorNames(context)
  if (names.includes(name)) return
  throw new LarderError('MIRROR_UNKNOWN', {
    message: `There is no mirror ${name}.`,
    hint: names.length === 0 ? 'Declare one in larder.yaml and push.' : `There are: ${names.join(', ')}.`,
  })
}

/** MIRROR_UNKNOWN, PUBLICATION_NONE. */
export async function requirePublication(context: ControllerContext, name: string): Promise<Publication> {
  await requireMirror(context, name)
  const publication = await context.publisher.current(name)
  if (publication !== undefined) return publication
  throw new LarderError('PUBLICATION_NONE', {
    message: `Mirror ${name} has not been published yet.`,
    hint: 'larder run ls shows whether a run is at work on it.',
  })
}

/** The format of what clients see of a mirror; before there is anything, the one that it is declared as. */
export async function formatOf(context: ControllerContext, name: string): Promise<AnyFormat> {
  const { publisher, formats } = context
  const publication = await publisher.current(name)
  if (publication !== undefined)
    return formatOfSnapshot(formats, await publisher.snapshot(name, publication.snapshotNumber))
  const declared = await declaredMirror(context, name)
  const format = formats.find((candidate) => candidate.name === declared?.format)
  if (format === undefined)
    throw new LarderError('MIRROR_UNKNOWN', { message: `Mirror ${name} is neither published nor declared.` })
  return format
}

async function packagesOf(context: ControllerContext, name: string, number: number): Promise<MirrorPackage[]> {
  await requireMirror(context, name)
  const snapshot = await context.publisher.snapshot(name, number)
  return formatOfSnapshot(context.formats, snapshot).packagesOf(snapshot)
}

async function summarize(context: ControllerContext, name: string): Promise<MirrorSummary> {
  const publication = await context.publisher.current(name)
  const format = (await formatOf(context, name)).name
  if (publication === undefined) return { name, format, publication: undefined, packageCount: 0, sizeBytes: 0 }
  const snapshot = await context.publisher.snapshot(name, publication.snapshotNumber)
  const content = await contentOf(context.formats, snapshot)
  return { name, format, publication: summarizePublication(publication), ...content }
}

async function detail(context: ControllerContext, name: string): Promise<MirrorDetail> {
  await requireMirror(context, name)
  const declared = await declaredMirror(context, name)
  const summary = await summarize(context, name)
  return {
    ...summary,
    upstreams: declared?.upstreams ?? [],
    architectures: (declared?.['architectures'] as string[] | undefined) ?? [],
    url: `${context.publicUrl()}/${summary.format}/${name}/`,
  }
}

async function summarizeSnapshot(
  context: ControllerContext,
  snapshot: Snapshot,
  published: boolean,
): Promise<SnapshotSummary> {
  const tree = await readTree(context.store, snapshot.tree)
  const { packageCount } = await contentOf(context.formats, snapshot)
  return {
    mirror: snapshot.mirror,
    number: snapshot.number,
    createdAt: snapshot.createdAt.toISOString(),
    origin: snapshot.origin,
    packageCount,
    sizeBytes: tree.sizeBytes,
    published,
  }
}

function summarizePublication(publication: Publication): PublicationSummary {
  const { mirror, generation, snapshotNumber, sealedAt, validUntil } = publication
  return { mirror, generation, snapshotNumber, sealedAt: sealedAt.toISOString(), validUntil: validUntil?.toISOString() }
}

async function why(context: ControllerContext, name: string, packageName: string): ReturnType<Controller['why']> {
  await requireMirror(context, name)
  const head = await context.siteHead.current()
  const mirror: MirrorConfig | undefined = await declaredMirror(context, name)
  if (head === undefined || mirror === undefined) {
    throw new LarderError('MIRROR_UNKNOWN', {
      message: `Mirror ${name} is not declared at the head of main, so nothing asks for its packages.`,
    })
  }
  const { clock, leases, stopping, formats } = context
  const format = formatNamed(formats, mirror.format)
  const lease = await leases.acquire(`why/${name}/${randomUUID()}`)
  try {
    const signal = AbortSignal.any([AbortSignal.timeout(600_000), stopping])
    const { sections: site, name: siteName } = head.site
    const common = { progress: silentProgress, signal, freshForMs: Infinity }
    const request = await readMirrorRequest(
      { ...common, files: head.files, site, siteName, clock, runId: 'why', trust: 'trusted' },
      name,
      mirror,
      {
        format,
        own: await context.own.upstream(name),
      },
    )
    const loaded = await format.load({ ...common, lease, now: clock.now() }, request)
    return format.why(loaded, request, packageName)
  } finally {
    await leases.release(lease)
  }
}

async function publishAgain(context: ControllerContext, name: string, number: number): Promise<PublicationSummary> {
  await requireMirror(context, name)
  const declared = await declaredMirror(context, name)
  const { publisher, signingKey, formats } = context
  const validForMs = declared === undefined ? undefined : validForMsOf(declared)
  const options = { mirror: name, snapshotNumber: number, formats, publisher, signingKey, validForMs }
  return summarizePublication(await republish(options))
}

async function verify(context: ControllerContext, name: string): Promise<Finding[]> {
  const publication = await requirePublication(context, name)
  const tree = await readTree(context.store, publication.tree)
  return verifyTree(context.store, tree, {
    signal: AbortSignal.any([AbortSignal.timeout(6 * 3600_000), context.stopping]),
  })
}
