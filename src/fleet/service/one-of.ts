import { LarderError } from '../../core/index.ts'

/** What went wrong in several, as one error. At least one is needed. */
export function oneOf(failures: readonly LarderError[]): LarderError {
  const [first, ...others] = failures
  if (first === undefined) throw new Error('nothing has failed')
  if (others.length === 0) return first
  return new LarderError(first.code, {
    message: failures.map(({ message }) => message).join('\n'),
    hint: first.hint ?? 'larder service ls tells of each.',
  })
}
