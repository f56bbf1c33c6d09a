import { LarderError } from '../core/index.ts'

/** What no single place of the files is to blame for. */
const start = { severity: 'error' as const, file: 'larder.yaml', line: 1, column: 1 }

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
    context: { problems: broken.map(({ message }) => ({ ...start, message })) },
  })
}
