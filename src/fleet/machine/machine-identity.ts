import { digestOf, hexOf } from '../../core/index.ts'
import { usualSizeMiB } from '../place/vm/own-disk.ts'
import type { MachineConfig } from './machine-schema.ts'

type Identified = Pick<MachineConfig, 'at' | 'base' | 'base_packages' | 'memory_mb' | 'cpus' | 'disk_mb'>

/**
 * Of what cannot be changed while a machine lives; its address can. Packages that are new in its mirror are none of it: they are
 * installed. What means the same is the same machine: `others` are those of the same declared otherwise, or by earlier versions.
 */
export function identityOf(config: Identified): { identity: string; others: readonly string[] } {
  const { at, base, base_packages: packages, memory_mb: memory, cpus, disk_mb: disk } = config
  const sorted = [...new Set(packages)].sort()
  const isVm = at === 'vm'
  const wholeCpus = isVm ? Math.ceil(cpus) : cpus
  const ownDisk = isVm && disk === usualSizeMiB ? undefined : disk
  const digest = (list: readonly string[], processors: number, size: number | undefined): string => {
    const parts = [at, base ?? null, list, memory, processors, ...(size === undefined ? [] : [size])]
    return hexOf(digestOf(JSON.stringify(parts))).slice(0, 32)
  }
  const all = [sorted, packages].flatMap((list) =>
    [wholeCpus, cpus].flatMap((processors) =>
      [ownDisk, isVm ? (disk ?? usualSizeMiB) : disk].map((size) => digest(list, processors, size)),
    ),
  )
  const [identity = '', ...others] = [...new Set(all)]
  return { identity, others }
}
