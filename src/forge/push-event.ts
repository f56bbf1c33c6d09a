import { z } from 'zod'
import type { ForgeEvent } from './event.ts'
import { isNullId } from './git/ref-name.ts'
import { objectIdSchema } from './payload.ts'

/** What every forge says of a push; `deleted` is GitHub's. */
export const pushSchema = z.object({
  ref: z.string().max(300),
  after: objectIdSchema,
  deleted: z.boolean().nullish(),
})

export function pushEvent({ ref, after, deleted }: z.infer<typeof pushSchema>): ForgeEvent {
  if (!ref.startsWith('refs/heads/')) return { kind: 'ignored', reason: `${ref} is no branch.` }
  const branch = ref.slice('refs/heads/'.length)
  if (deleted === true || isNullId(after)) return { kind: 'ignored', reason: `Branch ${branch} was deleted.` }
  return { kind: 'push', branch, commit: after }
}
