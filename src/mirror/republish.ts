import { isLarderError } from '../core/index.ts'
import type { Alongside, Publication, Publisher, SigningKey } from '../publish/index.ts'
import { formatOfSnapshot, type AnyFormat } from './format.ts'

export interface RepublishOptions {
  mirror: string
  snapshotNumber: number
  formats: readonly AnyFormat[]
  publisher: Publisher
  signingKey: (mirror: string) => Promise<SigningKey>
  /** Undefined: no Valid-Until. */
  validForMs: number | undefined
  alongside?: Alongside
  /** See PublishOptions. */
  replaces?: number
}

/**
 * Makes a snapshot that exists already the publication, under a new signature with a new date: promote, rollback
 * and re-signing before the end of validity are all this. Clients keep what they have when a Release is older than
 * theirs (apt: acquire-item.cc), so the old signature would not do. SNAPSHOT_UNKNOWN.
 */
export async function republish(options: RepublishOptions): Promise<Publication> {
  const { mirror, snapshotNumber, formats, publisher, validForMs, alongside, replaces } = options
  const snapshot = await publisher.snapshot(mirror, snapshotNumber)
  const format = formatOfSnapshot(formats, snapshot)
  const sealer = format.sealer({ name: mirror, meta: snapshot.meta }, await options.signingKey(mirror))
  return publisher.promote({ mirror, number: snapshotNumber, sealer, validForMs, alongside, replaces })
}

/** Somebody else may publish between sealing and switching; not this often. */
const signAttempts = 5

/**
 * Signs anew what is published, whatever that has come to be when the signature is ready: never brings back what a run
 * has replaced meanwhile. Undefined when nothing is published any more.
 */
export async function resign(
  options: Omit<RepublishOptions, 'snapshotNumber' | 'alongside' | 'replaces'>,
): Promise<Publication | undefined> {
  for (let attempt = 1; ; attempt++) {
    const current = await options.publisher.current(options.mirror)
    if (current === undefined) return undefined
    const { snapshotNumber, generation } = current
    try {
      return await republish({ ...options, snapshotNumber, replaces: generation })
    } catch (error) {
      if (attempt === signAttempts || !isLarderError(error, 'PUBLICATION_OUTDATED')) throw error
    }
  }
}
