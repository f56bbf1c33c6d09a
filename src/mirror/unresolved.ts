import { LarderError, sortProblems, type Problem } from '../core/index.ts'

/** Why a name of a list cannot be had, or not with all that it needs. */
export interface Unresolved {
  /** Where it was asked for. Undefined: by larder.yaml. */
  position: { file: string; line: number; column: number } | undefined
  message: string
  suggestion?: string
}

/**
 * What a closure failed for, each at its place, the first five in words. PACKAGE_UNKNOWN where names are that no
 * upstream has, CLOSURE_UNSATISFIABLE where all are known. `remedy`: what could be added that has what is missing.
 */
export function unresolvedError(
  code: 'PACKAGE_UNKNOWN' | 'CLOSURE_UNSATISFIABLE',
  found: readonly Unresolved[],
  remedy: string,
): LarderError {
  const problems = sortProblems(found.map(toProblem))
  const shown = problems.slice(0, 5).map(({ message }) => message)
  const rest = problems.length > shown.length ? ` And ${problems.length - shown.length} more.` : ''
  return new LarderError(code, {
    message: `${shown.join('; ')}.${rest}`,
    hint: `Correct the list, or add ${remedy} that has what is missing.`,
    context: { problems },
  })
}

function toProblem({ position, message, suggestion }: Unresolved): Problem {
  const place = position ?? { file: 'larder.yaml', line: 1, column: 1 }
  return { severity: 'error', ...place, message, ...(suggestion === undefined ? {} : { suggestion }) }
}
