import type { Alongside, Publication, Publisher, SigningKey } from '../publish/index.ts'
import type { AnyFormat } from './format.ts'

export interface RepublishOptions {
  mirror: string
  snapshotNumber: number
  format: AnyFormat
  publisher: Publisher
  signingKey: (mirror: string) => Promise<SigningKey>
  /** Undefined: no Valid-Until. */
  validForMs: number | undefined
  alongside?: Alongside
}

/**
 * Makes a snapshot that exists already the publication, under a new signature with a new date: promote, rollback
 * and re-signing before the end of validity are all this. Clients keep what they have when a Release is older than
 * theirs (apt: acquire-item.cc), so the old signature would not do. SNAPSHOT_UNKNOWN.
 */
export async function republish(options: RepublishOptions): Promise<Publication> {
  const { mirror, snapshotNumber, format, publisher, validForMs, alongside } = options
  const snapshot = await publisher.snapshot(mirror, snapshotNumber)
  const sealer = format.sealer({ name: mirror, meta: snapshot.meta }, await options.signingKey(mirror))
  return publisher.promote({ mirror, number: snapshotNumber, sealer, validForMs, alongside })
}
