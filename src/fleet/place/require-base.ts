import { LarderError } from '../../core/index.ts'
import type { MachineSpec } from './place.ts'

/** What a machine that is made begins with. FLEET_MACHINE_FAILED where nothing was made for it. */
export function requireBase({ name, base }: MachineSpec): NonNullable<MachineSpec['base']> {
  if (base !== undefined) return base
  throw new LarderError('FLEET_MACHINE_FAILED', { message: `${name} has no base that it could begin with.` })
}
