import { LarderError } from '../core/index.ts'
import type { Closure } from './closure.ts'
import { proveInstallable } from './installability.ts'
import type { Universe } from './universe.ts'

/** What is published must be installable from the mirror alone: the proof, before anything is downloaded. CLOSURE_UNSATISFIABLE. */
export function refuseUninstallable(universe: Universe, closure: Closure): void {
  const broken = proveInstallable(universe, closure.rows)
  if (broken.length === 0) return
  const shown = broken.slice(0, 5).map(({ message }) => message)
  throw new LarderError('CLOSURE_UNSATISFIABLE', {
    message: `Not installable from the mirror alone: ${shown.join('; ')}${broken.length > 5 ? `; and ${broken.length - 5} more` : ''}.`,
    hint: 'Add what they need to the list, or an upstream that has it.',
    context: { packages: broken.map(({ message }) => message) },
  })
}
