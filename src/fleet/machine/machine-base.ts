import type { KindContext } from '../../core/index.ts'
import type { MachineSpec } from '../place/place.ts'
import { isMade } from './is-made.ts'
import type { MachineKindOptions } from './machine-kind-options.ts'
import type { MachineConfig } from './machine-schema.ts'

/** Name of the mirror that its first packages come from: where none is said, the only one that there is. */
function baseMirror({ site }: Pick<KindContext, 'site'>, { base }: Pick<MachineConfig, 'base'>): string {
  return base ?? Object.keys(site['mirrors'] ?? {})[0] ?? ''
}

/** That of a machine which is as declared, and was made from one; undefined for others. */
export function knownBase(context: Pick<KindContext, 'site'>, config: MachineConfig): string | undefined {
  return isMade(config.at) ? baseMirror(context, config) || undefined : undefined
}

/** What a machine begins with, made where it is not there yet. Undefined for hosts that exist. */
export async function baseOf(
  options: MachineKindOptions,
  context: KindContext,
  { at, base, base_packages: packages }: MachineConfig,
): Promise<MachineSpec['base']> {
  if (!isMade(at)) return undefined
  return options.base({ mirror: baseMirror(context, { base }), packages, boots: at === 'vm' }, context)
}
