import { z } from 'zod'
import { createComments, type CommentsOptions } from '../api/comments.ts'
import type { Exchange } from '../api/exchange.ts'
import { byOwnName } from '../api/own-name.ts'
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
  return createComments({
    exchange,
    async list(pullRequest, signal) {
      const items = await exchange.list(`${base}/issues/${pullRequest}/comments`, signal)
      return items
        .map((item) => readAnswer(commentSchema, item, 'GitHub'))
        .map(({ id, body, user }) => ({ id, by: user?.login ?? '', isBot: user?.type === 'Bot', text: body ?? '' }))
    },
    findForeign: isApp
      ? byBots
      : byOwnName(
          async (signal) => readAnswer(userSchema, (await exchange.ask('GET', '/user', signal)).value, 'GitHub').login,
        ),
    add: (pullRequest) => ['POST', `${base}/issues/${pullRequest}/comments`],
    edit: (_, id) => ['PATCH', `${base}/issues/comments/${id}`],
  })
}

/** Who an App is, only the App itself may ask; what its installation writes is a bot's. */
const byBots: CommentsOptions['findForeign'] = () => Promise.resolve(({ isBot }) => isBot !== true)

const userSchema = z.object({ login: z.string() })
const commentSchema = z.object({
  id: z.number(),
  body: z.string().nullish(),
  user: z.object({ login: z.string(), type: z.string().nullish() }).nullish(),
})
