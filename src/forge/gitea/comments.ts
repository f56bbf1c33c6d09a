import { z } from 'zod'
import type { Exchange } from '../api/exchange.ts'
import { keepComment } from '../api/kept-comment.ts'
import { createOwnName } from '../api/own-name.ts'
import { readAnswer } from '../api/read-answer.ts'
import type { ForgeApi } from '../forge.ts'

/** Comments of a pull request. `base`: `/repos/owner/name`. Source: Gitea's API description (Swagger), issue comments. */
export function createGiteaComments(exchange: Exchange, base: string): Pick<ForgeApi, 'comments' | 'setComment'> {
  const ownName = createOwnName(
    async (signal) => readAnswer(userSchema, (await exchange.ask('GET', '/user', signal)).value, 'Gitea').login,
  )
  const list = async (pullRequest: number, signal: AbortSignal) => {
    // All at once: this list has no pages.
    const { value } = await exchange.ask('GET', `${base}/issues/${pullRequest}/comments`, signal)
    return readAnswer(z.array(commentSchema), value, 'Gitea')
  }
  return {
    async comments(pullRequest, signal) {
      return (await list(pullRequest, signal)).map(({ body, user }) => ({ by: user?.login ?? '', text: body }))
    },
    async setComment({ pullRequest, marker, text }, signal) {
      const own = await ownName(signal)
      const comments = (await list(pullRequest, signal)).map(({ id, body, user }) => ({
        id,
        text: body,
        isForeign: own !== undefined && user?.login !== own,
      }))
      await keepComment({
        marker,
        text,
        comments,
        edit: (id) => exchange.ask('PATCH', `${base}/issues/comments/${id}`, signal, { body: text }),
        add: () => exchange.ask('POST', `${base}/issues/${pullRequest}/comments`, signal, { body: text }),
      })
    },
  }
}

const userSchema = z.object({ login: z.string() })
const commentSchema = z.object({ id: z.number(), body: z.string(), user: userSchema.nullish() })
