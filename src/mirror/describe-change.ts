import { formatBytes } from '../core/index.ts'
import type { MirrorPackage } from './format.ts'
import { fetchBytesOf, isSource, type PackageDiff } from './package-diff.ts'

/**
 * `+10 packages, 1 changed, -2 packages; 113 in all; 12.3 MB to fetch`, and where there are sources
 * `+10 packages, +7 sources; 113 and 80 sources in all; 12.3 MB to fetch (10.1 MB sources)`
 */
export function describeChange(
  diff: PackageDiff,
  before: readonly MirrorPackage[],
  after: readonly MirrorPackage[],
): string {
  const sources = sourcesOf(diff)
  const parts = [
    ...countEach(
      {
        added: diff.added.length - sources.added.length,
        changed: diff.changed.length - sources.changed.length,
        removed: diff.removed.length - sources.removed.length,
      },
      'package',
    ),
    ...countEach(
      { added: sources.added.length, changed: sources.changed.length, removed: sources.removed.length },
      'source',
    ),
  ]
  const sourceTotal = after.filter(isSource).length
  const total = `${after.length - sourceTotal}${sourceTotal === 0 ? '' : ` and ${count(sourceTotal, 'source')}`} in all`
  const sourceBytes = fetchBytesOf(sources, before)
  const ofSources = sourceBytes === 0 ? '' : ` (${formatBytes(sourceBytes)} sources)`
  return `${parts.join(', ')}; ${total}; ${formatBytes(fetchBytesOf(diff, before))} to fetch${ofSources}`
}

function sourcesOf({ added, removed, changed }: PackageDiff): PackageDiff {
  return {
    added: added.filter(isSource),
    removed: removed.filter(isSource),
    changed: changed.filter(({ after }) => isSource(after)),
  }
}

function countEach(
  { added, changed, removed }: { added: number; changed: number; removed: number },
  noun: 'package' | 'source',
): string[] {
  return [
    ...(added > 0 ? [`+${count(added, noun)}`] : []),
    ...(changed > 0 ? [noun === 'source' ? `${count(changed, noun)} changed` : `${changed} changed`] : []),
    ...(removed > 0 ? [`-${count(removed, noun)}`] : []),
  ]
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
