import { z } from 'zod'
import { createComments } from '../api/comments.ts'
import type { Exchange } from '../api/exchange.ts'
import { byOwnName } from '../api/own-name.ts'
import { readAnswer } from '../api/read-answer.ts'
import type { ForgeApi } from '../forge.ts'

/** Comments of a pull request. `base`: `/repos/owner/name`. Source: Gitea's API description (Swagger), issue comments. */
export function createGiteaComments(exchange: Exchange, base: string): Pick<ForgeApi, 'comments' | 'setComment'> {
  return createComments({
    exchange,
    async list(pullRequest, signal) {
      // All at once: this list has no pages.
      const { value } = await exchange.ask('GET', `${base}/issues/${pullRequest}/comments`, signal)
      const items = readAnswer(z.array(commentSchema), value, 'Gitea')
      return items.map(({ id, body, user }) => ({ id, by: user?.login ?? '', text: body }))
    },
    findForeign: byOwnName(
      async (signal) => readAnswer(userSchema, (await exchange.ask('GET', '/user', signal)).value, 'Gitea').login,
    ),
    add: (pullRequest) => ['POST', `${base}/issues/${pullRequest}/comments`],
    edit: (_, id) => ['PATCH', `${base}/issues/comments/${id}`],
  })
}

const userSchema = z.object({ login: z.string() })
const commentSchema = z.object({ id: z.number(), body: z.string(), user: userSchema.nullish() })
