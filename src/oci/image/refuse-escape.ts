import { posix } from 'node:path'
import { LarderError, type SiteEntry } from '../../core/index.ts'
import type { DeclaredImage } from './image-schema.ts'

/** A link out of the context leads somewhere else where it is built. GIT_FILE_REFUSED. */
export function refuseEscape(
  { context }: Pick<DeclaredImage, 'context'>,
  { path, kind, target = '' }: SiteEntry,
): void {
  if (kind !== 'link') return
  const resolved = posix.normalize(posix.join(posix.dirname(path), target))
  const isInside =
    !posix.isAbsolute(target) &&
    !`${resolved}/`.startsWith('../') &&
    (context === '' || `${resolved}/`.startsWith(`${context}/`))
  if (isInside) return
  throw new LarderError('GIT_FILE_REFUSED', {
    message: `${path} is a link to ${target.slice(0, 200)}, which is not in the context of the build.`,
    hint: 'Commit the file itself, or name a larger context.',
    context: { path },
  })
}
