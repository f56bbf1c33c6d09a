import { digestOf, hexOf } from '../../core/index.ts'
import { usualSizeMiB } from '../place/vm/own-disk.ts'
import type { MachineConfig } from './machine-schema.ts'

type Identified = Pick<MachineConfig, 'at' | 'base' | 'base_packages' | 'memory_mb' | 'cpus' | 'disk_mb'>

/** `others` are those of the same machine declared otherwise, or by earlier versions. */
export interface Identity {
  identity: string
  others: readonly string[]
}

/** `mirrors`: those of the site. `base`: which of them the machine that is there is known to have come from. */
export interface KnownOrigin {
  mirrors: readonly string[]
  base: string | undefined
}

/**
 * Of what cannot be changed while a machine lives; its address can. Packages that are new in its mirror are none of it: they are
 * installed. What means the same is the same machine.
 */
export function identityOf(config: Identified, origin: KnownOrigin): Identity {
  const { at, base_packages: packages, memory_mb: memory, cpus, disk_mb: disk } = config
  const sorted = [...new Set(packages)].sort()
  const isVm = at === 'vm'
  const wholeCpus = isVm ? Math.ceil(cpus) : cpus
  const ownDisk = isVm && disk === usualSizeMiB ? undefined : disk
  const all = basesOf(config, origin).flatMap((base) =>
    [sorted, packages].flatMap((list) =>
      [wholeCpus, cpus].flatMap((processors) =>
        [ownDisk, isVm ? (disk ?? usualSizeMiB) : disk].map((size) => {
          const parts = [at, base, list, memory, processors, ...(size === undefined ? [] : [size])]
          return hexOf(digestOf(JSON.stringify(parts))).slice(0, 32)
        }),
      ),
    ),
  )
  const [identity = '', ...others] = [...new Set(all)]
  return { identity, others }
}

/** What is declared first. The only mirror may be said or not; who came from it still came from there when there are others. */
function basesOf({ base }: Identified, { mirrors, base: known }: KnownOrigin): (string | null)[] {
  const [only] = mirrors.length === 1 ? mirrors : []
  const origin = known ?? only
  if (base === undefined) return only === undefined || only !== origin ? [null] : [null, only]
  return base === origin ? [base, null] : [base]
}
