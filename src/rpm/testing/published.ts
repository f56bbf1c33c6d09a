import { isLarderError, type LarderError } from '../../core/index.ts'
import type { PublishedMirror } from './test-mirror.ts'

/** Why it was not published. */
export async function failureOf(work: Promise<PublishedMirror>): Promise<LarderError> {
  const error: unknown = await work.then(
    () => new Error('it was published'),
    (thrown: unknown) => thrown,
  )
  if (isLarderError(error)) return error
  throw error
}

/** `name-version` of each package. */
export function names({ packages }: Pick<PublishedMirror, 'packages'>): string[] {
  return packages.map(({ name, version }) => `${name}-${version}`)
}
