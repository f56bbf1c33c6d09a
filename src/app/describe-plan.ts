import { formatBytes } from '../core/index.ts'
import type { MirrorPackage } from '../mirror/index.ts'
import type { PlannedChange } from './controller.ts'
import { describeResources } from './describe-machine.ts'
import { describeService } from './describe-service.ts'
import type { PlannedResource } from '../fleet/index.ts'

const mostPackagesShown = 40

/** A plan in lines for people: each change, and below it what comes, goes and changes, with versions and sizes. */
export function describePlan(changes: readonly PlannedChange[]): string[] {
  if (changes.length === 0) return ['plan: nothing to change']
  return changes.flatMap((change) => [
    `plan: ${change.action} ${change.subject}: ${change.summary}`,
    ...describeDetail(change.detail),
  ])
}

interface MachineOrNetworkDetail {
  resources?: PlannedResource[]
  /** Of a network. */
  differences?: string[]
}

interface PackageDetail {
  added?: MirrorPackage[]
  removed?: MirrorPackage[]
  changed?: { before: MirrorPackage; after: MirrorPackage }[]
  notes?: string[]
}

function describeDetail(detail: unknown): string[] {
  const { added = [], removed = [], changed = [], notes = [] } = (detail ?? {}) as PackageDetail
  const lines = [
    ...added.map(
      (one) =>
        `  + ${one.name} ${one.version} ${one.architecture} (${formatBytes(one.sizeBytes)}, ${one.upstream}; ${one.reason})`,
    ),
    ...changed.map(
      ({ before, after }) =>
        `  ~ ${after.name}${after.files === undefined ? '' : ' source'} ${before.version} -> ${after.version} (${formatBytes(after.sizeBytes)})`,
    ),
    ...removed.map((one) => `  - ${one.name} ${one.version} ${one.architecture}`),
  ]
  const { resources = [], differences = [] } = (detail ?? {}) as MachineOrNetworkDetail
  const onMachines = describeService(detail ?? {})
  const others = [...describeResources(resources), ...onMachines, ...differences.map((one) => `  ~ ${one}`)]
  const more = lines.length - mostPackagesShown
  const shown = more > 0 ? [...lines.slice(0, mostPackagesShown), `  … and ${more} more`] : lines
  return [...shown, ...others, ...notes.slice(0, 10).map((note) => `  note: ${note}`)]
}
