import { LarderError } from '../core/index.ts'

/**
 * What is published must be installable from the mirror alone: the proof, before anything is downloaded. `broken`:
 * what cannot be, each with the chain that leads to what stands against it. CLOSURE_UNSATISFIABLE.
 */
export function refuseUninstallable(broken: readonly { message: string }[]): void {
  if (broken.length === 0) return
  const shown = broken.slice(0, 5).map(({ message }) => message)
  throw new LarderError('CLOSURE_UNSATISFIABLE', {
    message: `Not installable from the mirror alone: ${shown.join('; ')}${broken.length > 5 ? `; and ${broken.length - 5} more` : ''}.`,
    hint: 'Add what they need to the list, or an upstream that has it.',
    context: { packages: broken.map(({ message }) => message) },
  })
}
