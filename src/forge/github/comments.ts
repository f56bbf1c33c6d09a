import { z } from 'zod'
import type { Exchange } from '../api/exchange.ts'
import { keepComment } from '../api/kept-comment.ts'
import { createOwnName } from '../api/own-name.ts'
import { readAnswer } from '../api/read-answer.ts'
import type { ForgeApi } from '../forge.ts'

export interface GithubCommentsOptions {
  exchange: Exchange
  /** `/repos/owner/name` */
  base: string
  /** Whether an App asks. */
  isApp: boolean
}

/** Comments of a pull request. Source: GitHub documentation, "REST API endpoints for issue comments". */
export function createGithubComments({
  exchange,
  base,
  isApp,
}: GithubCommentsOptions): Pick<ForgeApi, 'comments' | 'setComment'> {
  const ownName = createOwnName(
    async (signal) => readAnswer(userSchema, (await exchange.ask('GET', '/user', signal)).value, 'GitHub').login,
  )
  const list = async (pullRequest: number, signal: AbortSignal) => {
    const items = await exchange.list(`${base}/issues/${pullRequest}/comments`, signal)
    return items.map((item) => readAnswer(commentSchema, item, 'GitHub'))
  }
  /** Who an App is, only the App itself may ask; what its installation writes is a bot's. */
  const isForeign = (user: CommentUser, own: string | undefined): boolean =>
    isApp ? user?.type !== 'Bot' : own !== undefined && user?.login !== own
  return {
    async comments(pullRequest, signal) {
      return (await list(pullRequest, signal)).map(({ body, user }) => ({ by: user?.login ?? '', text: body ?? '' }))
    },
    async setComment({ pullRequest, marker, text }, signal) {
      const own = isApp ? undefined : await ownName(signal)
      const comments = (await list(pullRequest, signal)).map(({ id, body, user }) => ({
        id,
        text: body ?? '',
        isForeign: isForeign(user, own),
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
const commentSchema = z.object({
  id: z.number(),
  body: z.string().nullish(),
  user: z.object({ login: z.string(), type: z.string().nullish() }).nullish(),
})
type CommentUser = z.infer<typeof commentSchema>['user']
