import { isLarderError } from '../../core/index.ts'
import type { CommentsOptions } from './comments.ts'

/**
 * Tells comments of others by who we are at a forge, which is asked once. A forge that does not tell those that sign in
 * as we do: comments of others are then told from ours by their marker alone.
 */
export function byOwnName(ask: (signal: AbortSignal) => Promise<string>): CommentsOptions['findForeign'] {
  let name: string | undefined
  let isUnknown = false
  return async (signal) => {
    if (name === undefined && !isUnknown) {
      try {
        name = await ask(signal)
      } catch (error) {
        if (!isLarderError(error, 'FORGE_REFUSED')) throw error
        isUnknown = true
      }
    }
    const own = name
    return ({ by }) => own !== undefined && by !== own
  }
}
