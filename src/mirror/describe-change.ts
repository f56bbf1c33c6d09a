import { formatBytes } from '../core/index.ts'
import type { PackageDiff } from './package-diff.ts'

/** `+10 packages, 1 upgraded, -2; 113 in all; 12.3 MB to fetch` */
export function describeChange({ added, removed, changed }: PackageDiff, total: number): string {
  const parts: string[] = []
  if (added.length > 0) parts.push(`+${count(added.length, 'package')}`)
  if (changed.length > 0) parts.push(`${changed.length} changed`)
  if (removed.length > 0) parts.push(`-${count(removed.length, 'package')}`)
  const fetchBytes = [...added, ...changed.map((change) => change.after)].reduce((sum, one) => sum + one.sizeBytes, 0)
  return `${parts.join(', ')}; ${total} in all; ${formatBytes(fetchBytes)} to fetch`
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
