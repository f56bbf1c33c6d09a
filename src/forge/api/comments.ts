import { isLarderError } from '../../core/index.ts'
import type { ForgeApi } from '../forge.ts'
import type { Exchange } from './exchange.ts'

export interface CommentsOptions {
  exchange: Exchange
  list: (pullRequest: number, signal: AbortSignal) => Promise<WrittenComment[]>
  /** Asked before each look: whether somebody else wrote one. They could change it at any time: it never stands for ours. */
  findForeign: (signal: AbortSignal) => Promise<(comment: WrittenComment) => boolean>
  /** Method and path that a text is sent to. */
  add: (pullRequest: number) => [method: string, path: string]
  edit: (pullRequest: number, id: number) => [method: string, path: string]
}

export interface WrittenComment {
  id: number
  /** Login name; '' where the account has gone. */
  by: string
  /** An App, or another account that is nobody's. */
  isBot?: boolean
  text: string
}

/** Comments of a pull request, of which one is kept up to date: ours is edited, or written. */
export function createComments(options: CommentsOptions): Pick<ForgeApi, 'comments' | 'setComment'> {
  const { exchange, list } = options
  return {
    async comments(pullRequest, signal) {
      return (await list(pullRequest, signal)).map(({ by, text }) => ({ by, text }))
    },
    async setComment({ pullRequest, marker, text }, signal) {
      const isForeign = await options.findForeign(signal)
      const send = ([method, path]: [string, string]) => exchange.ask(method, path, signal, { body: text })
      for (const comment of await list(pullRequest, signal)) {
        if (isForeign(comment) || !comment.text.includes(marker)) continue
        if (comment.text.trim() === text.trim()) return
        try {
          await send(options.edit(pullRequest, comment.id))
          return
        } catch (error) {
          // Deleted meanwhile, or not ours to edit.
          if (!isLarderError(error, 'FORGE_REFUSED')) throw error
        }
      }
      await send(options.add(pullRequest))
    },
  }
}
