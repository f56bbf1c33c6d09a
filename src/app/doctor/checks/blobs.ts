import { createHash } from 'node:crypto'
import { digestFromHex, isLarderError, type Digest } from '../../../core/index.ts'
import type { Ailment, DoctorCheck, DoctorContext } from '../check.ts'
import { findNeeds, type Need } from '../blob-needs.ts'

const readersAtOnce = 4

/** With `--deep`: every byte of every blob is what its digest promises. */
export const blobsCheck: DoctorCheck = {
  name: 'blobs',
  async look(context) {
    if (!context.deep) return []
    const damaged = await findDamaged(context)
    if (damaged.length === 0) return []
    const needs = await findNeeds(context, new Set(damaged.map(({ digest }) => digest)))
    return damaged.map((blob) => damagedBlob(context, blob, needs.get(blob.digest) ?? []))
  },
}

interface DamagedBlob {
  digest: Digest
  why: string
}

async function findDamaged({ context, signal }: DoctorContext): Promise<DamagedBlob[]> {
  const damaged: DamagedBlob[] = []
  const queue = context.store.list()[Symbol.asyncIterator]()
  const work = async (): Promise<void> => {
    for (let item = await queue.next(); item.done !== true; item = await queue.next()) {
      signal.throwIfAborted()
      const { digest } = item.value
      const why = await examineBlob(context.store, digest)
      if (why !== undefined) damaged.push({ digest, why })
    }
  }
  await Promise.all(Array.from({ length: readersAtOnce }, work))
  return damaged.toSorted((a, b) => (a.digest < b.digest ? -1 : 1))
}

async function examineBlob(store: DoctorContext['context']['store'], digest: Digest): Promise<string | undefined> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of (await store.read(digest)) as AsyncIterable<Buffer>) hash.update(chunk)
  } catch (error) {
    // gc was quicker.
    if (isLarderError(error, 'BLOB_MISSING')) return undefined
    if ((error as NodeJS.ErrnoException).code === 'EIO') return 'the disk cannot read it (EIO)'
    throw error
  }
  const found = digestFromHex(hash.digest('hex'))
  return found === digest ? undefined : `its bytes are now those of ${found}`
}

function damagedBlob(context: DoctorContext, { digest, why }: DamagedBlob, needs: readonly Need[]): Ailment {
  const used = needs.filter((need) => need.isCurrent)
  const mirrors = new Set(used.flatMap(({ mirror }) => mirror ?? []))
  const where = needs.slice(0, 3).map(({ title, path }) => `${path} of ${title}`)
  const more = needs.length > 3 ? ` and ${needs.length - 3} more` : ''
  return {
    severity: used.length > 0 ? 'error' : 'warning',
    subject: [...mirrors].map((mirror) => `mirror ${mirror}`).join(', ') || 'store',
    message: `The blob ${digest} is damaged: ${why}. ${where.length === 0 ? 'Nothing needs it.' : `It is ${where.join(', ')}${more}.`}`,
    hint: `${hintFor(needs)}The disk may be failing.`,
    mend: async () => {
      await context.discard([digest])
      for (const mirror of mirrors) await context.restage(mirror)
    },
  }
}

function hintFor(needs: readonly Need[]): string {
  const ways = new Set(needs.map(({ again }) => again))
  return [...ways].map((way) => hints[way]).join('')
}

const hints: Readonly<Record<Need['again'], string>> = {
  run: 'It is thrown away, and a run fetches or makes it again. ',
  itself: '',
  push: 'When it is thrown away, the next push of the image brings it again; what doctor says of the registry then tells more. ',
  never: 'What is older and needs it cannot be published again. ',
}
