import { setImmediate } from 'node:timers/promises'
import { isLarderError, type Digest, type LarderError } from '../../../core/index.ts'
import { diffTrees, type Publication, type Tree, type TreeEntry } from '../../../publish/index.ts'
import type { Ailment, DoctorCheck, DoctorContext } from '../check.ts'
import { keptTrees, type KeptTree } from '../kept-trees.ts'

/** Everything that clients may ask for is there, in its size, and under a signature that holds. */
export const publicationsCheck: DoctorCheck = {
  name: 'publications',
  async look(context) {
    const found = await lookAtValidity(context)
    const known = new Map<Digest, Presence>()
    const bases = new Map<string, Tree>()
    for (const kept of await keptTrees(context.context)) {
      const { mirror, content } = kept
      context.signal.throwIfAborted()
      if (isLarderError(content)) found.push(unreadable(context, kept, content))
      else {
        found.push(...(await lookAtTree(context, { kept, wanted: blobsOf(content, bases.get(mirror)), known })))
        if (!bases.has(mirror)) bases.set(mirror, content)
      }
    }
    return found
  },
}

const hourMs = 3600_000

async function lookAtValidity({ context, housekeeping }: DoctorContext): Promise<Ailment[]> {
  const { publisher, clock } = context
  const now = clock.now().getTime()
  const mend = async (): Promise<void> => {
    await housekeeping.reseal()
  }
  const published = await Promise.all((await publisher.mirrors()).map((mirror) => publisher.current(mirror)))
  return published.flatMap((one) =>
    one === undefined ? [] : judgeValidity(one, now).map((ailment) => ({ ...ailment, mend })),
  )
}

/** Pure. */
function judgeValidity({ mirror, sealedAt, validUntil }: Publication, nowMs: number): Ailment[] {
  if (validUntil === undefined) return []
  const half = (sealedAt.getTime() + validUntil.getTime()) / 2
  if (nowMs < half + hourMs) return []
  const isOver = validUntil.getTime() <= nowMs
  return [
    {
      severity: isOver ? 'error' : 'warning',
      subject: `mirror ${mirror}`,
      message: `The publication of ${mirror} ${isOver ? 'was' : 'is'} valid until ${validUntil.toISOString()}${isOver ? ': clients refuse it' : ', and should have been signed anew by now'}.`,
      hint: 'A running controller signs it anew at half of its validity; its log says why it did not.',
    },
  ]
}

type Presence = 'right' | 'missing' | 'of the wrong size'
const statsAtOnce = 64
const mostTold = 10

interface WantedBlob {
  path: string
  /** Undefined: not known beforehand. */
  sizeBytes: number | undefined
}

/** What a tree needs; with a base that is looked at already, only what it needs besides: 60,000 entries take their time. */
function blobsOf(tree: Tree, base: Tree | undefined): Map<Digest, WantedBlob> {
  const wanted = new Map<Digest, WantedBlob>()
  const own = base === undefined ? tree.blobs() : [tree.digest]
  for (const digest of own) wanted.set(digest, { path: 'its list of files', sizeBytes: undefined })
  for (const { path, digest, sizeBytes, parts } of base === undefined ? tree.entries() : entriesBeyond(base, tree)) {
    for (const part of parts ?? [{ digest, sizeBytes }]) wanted.set(part.digest, { path, sizeBytes: part.sizeBytes })
  }
  return wanted
}

function* entriesBeyond(base: Tree, tree: Tree): Iterable<TreeEntry> {
  for (const { after } of diffTrees(base, tree)) if (after !== undefined) yield after
}

async function lookAtTree(
  context: DoctorContext,
  { kept, wanted, known }: { kept: KeptTree; wanted: Map<Digest, WantedBlob>; known: Map<Digest, Presence> },
): Promise<Ailment[]> {
  // What an earlier tree of the list has too was told there.
  const open = [...wanted].filter(([digest]) => !known.has(digest) && !context.removed.has(digest))
  const wrong: Ailment[] = []
  for (let start = 0; start < open.length; start += statsAtOnce) {
    const some = open.slice(start, start + statsAtOnce)
    const presences = await Promise.all(some.map(([digest, { sizeBytes }]) => presenceOf(context, digest, sizeBytes)))
    for (const [index, [digest, { path }]] of some.entries()) {
      const presence = presences[index] ?? 'right'
      known.set(digest, presence)
      if (presence !== 'right') wrong.push(absentBlob(context, { kept, path, digest, presence }))
    }
    // Looks hold the loop, and a tree may have 100,000 files.
    await setImmediate()
  }
  return summarise(wrong, kept)
}

async function presenceOf(
  { context, deep }: DoctorContext,
  digest: Digest,
  sizeBytes: number | undefined,
): Promise<Presence> {
  const stat = await context.store.stat(digest)
  if (stat === undefined) return 'missing'
  // Where every byte is read, the wrong size is told there.
  return deep || sizeBytes === undefined || stat.sizeBytes === sizeBytes ? 'right' : 'of the wrong size'
}

interface AbsentBlob {
  kept: KeptTree
  path: string
  digest: Digest
  presence: Presence
}

function absentBlob(context: DoctorContext, { kept, path, digest, presence }: AbsentBlob): Ailment {
  const { mirror, isCurrent, title } = kept
  const ailment = {
    subject: `mirror ${mirror}`,
    message: `${path}, of ${title}, is ${presence} in the store (blob ${digest}).`,
  }
  const remove = async (): Promise<void> => {
    if (presence === 'of the wrong size') await context.discard([digest])
  }
  if (!isCurrent) {
    const hint = `${title} cannot be published again. It goes with retention; larder mirror show ${mirror} lists what else there is.`
    return { severity: 'warning', ...ailment, hint, ...(presence === 'missing' ? {} : { mend: remove }) }
  }
  const mend = async (): Promise<void> => {
    await remove()
    await context.restage(mirror)
  }
  return {
    severity: 'error',
    ...ailment,
    hint: 'A run fetches or makes it again. Did somebody delete files, or does the disk fail?',
    mend,
  }
}

function summarise(wrong: readonly Ailment[], { mirror, title }: KeptTree): Ailment[] {
  const [first] = wrong
  if (first === undefined || wrong.length <= mostTold) return [...wrong]
  const rest = wrong.slice(mostTold)
  const mends = rest.flatMap(({ mend }) => (mend === undefined ? [] : [mend]))
  const more: Ailment = {
    ...first,
    subject: `mirror ${mirror}`,
    message: `${rest.length} more files of ${title} are missing in the store, or of the wrong size.`,
  }
  if (mends.length > 0) {
    more.mend = async () => {
      for (const mend of mends) await mend()
    }
  }
  return [...wrong.slice(0, mostTold), more]
}

function unreadable(context: DoctorContext, { mirror, isCurrent, title }: KeptTree, error: LarderError): Ailment {
  const ailment = {
    subject: `mirror ${mirror}`,
    message: `The list of files of ${title} cannot be read: ${error.message}`,
  }
  if (!isCurrent)
    return {
      severity: 'warning',
      ...ailment,
      hint: 'It is of no use any more; larder gc forgets it.',
      mend: () => context.forgetUnreadable(),
    }
  const mend = async (): Promise<void> => {
    if (error.code === 'BLOB_DAMAGED') await context.discard([error.context['digest'] as Digest])
    await context.restage(mirror)
  }
  return {
    severity: 'error',
    ...ailment,
    hint: 'A run makes it again. With --deep, everything that is damaged is found at once.',
    mend,
  }
}
