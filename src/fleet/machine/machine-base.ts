import type { KindContext } from '../../core/index.ts'
import type { MachineSpec } from '../place/place.ts'
import { isMade } from './is-made.ts'
import type { MachineKindOptions } from './machine-kind-options.ts'
import type { MachineConfig } from './machine-schema.ts'

/** What a machine begins with, made where it is not there yet. Undefined for hosts that exist. */
export async function baseOf(
  options: MachineKindOptions,
  context: KindContext,
  { at, base, base_packages: packages }: MachineConfig,
): Promise<MachineSpec['base']> {
  if (!isMade(at)) return undefined
  const mirrors = Object.keys(context.site['mirrors'] ?? {})
  return options.base({ mirror: base ?? mirrors[0] ?? '', packages, boots: at === 'vm' }, context)
}
