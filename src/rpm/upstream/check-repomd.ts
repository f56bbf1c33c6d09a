import { LarderError } from '../../core/index.ts'
import type { Repomd } from '../repomd.ts'
import { describe, type RepositorySource } from './repository-source.ts'

/** What tells generations of a repository apart. */
export interface Generation {
  revision: string
  /** Highest of the data files, in seconds; 0 where there is none. */
  timestamp: number
}

/**
 * Holds a repomd.xml against the one that was seen before at the same place: by the highest timestamp of its data files,
 * as yum does, and by its revision where those are the same. RPM_REPOMD_REPLAYED. Pure.
 */
export function refuseOlder(now: Generation, before: Generation | undefined, source: RepositorySource): void {
  if (before === undefined || source.allowOlder || !isOlder(now, before)) return
  throw new LarderError('RPM_REPOMD_REPLAYED', {
    message: `${describe(source)}: the repomd.xml is ${told(now)}, but one that is ${told(before)} was seen before`,
    hint: 'an address of the upstream lags behind, a cache answers with old files, or someone replays them; allowOlder: true on the upstream accepts it',
    context: { upstream: source.upstream },
  })
}

export function generationOf(repomd: Repomd): Generation {
  const timestamps = repomd.records.map(({ timestamp }) => timestamp ?? 0)
  return { revision: repomd.revision, timestamp: timestamps.reduce((highest, one) => Math.max(highest, one), 0) }
}

function isOlder(now: Generation, before: Generation): boolean {
  if (now.timestamp > 0 && before.timestamp > 0 && now.timestamp !== before.timestamp) {
    return now.timestamp < before.timestamp
  }
  const [revision, earlier] = [now.revision, before.revision].map(numberOf)
  return revision !== undefined && earlier !== undefined && revision < earlier
}

function numberOf(revision: string): number | undefined {
  return /^\d{1,15}$/.test(revision) ? Number(revision) : undefined
}

function told({ revision, timestamp }: Generation): string {
  const at = timestamp > 0 ? `of ${new Date(timestamp * 1000).toISOString()}` : 'without a date'
  return `${at} (revision ${JSON.stringify(revision.slice(0, 100))})`
}
