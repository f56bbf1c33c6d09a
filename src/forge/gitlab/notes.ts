import { z } from 'zod'
import { createComments } from '../api/comments.ts'
import type { Exchange } from '../api/exchange.ts'
import { byOwnName } from '../api/own-name.ts'
import { readAnswer } from '../api/read-answer.ts'
import type { ForgeApi } from '../forge.ts'

/** Comments of a merge request. `base`: `/projects/…`. Source: GitLab documentation, "Notes API". */
export function createGitlabNotes(exchange: Exchange, base: string): Pick<ForgeApi, 'comments' | 'setComment'> {
  const notes = (pullRequest: number): string => `${base}/merge_requests/${pullRequest}/notes`
  return createComments({
    exchange,
    async list(pullRequest, signal) {
      const items = await exchange.list(`${notes(pullRequest)}?sort=asc`, signal)
      return items
        .map((item) => readAnswer(noteSchema, item, 'GitLab'))
        .map(({ id, body, author }) => ({ id, by: author?.username ?? '', text: body }))
    },
    findForeign: byOwnName(
      async (signal) => readAnswer(userSchema, (await exchange.ask('GET', '/user', signal)).value, 'GitLab').username,
    ),
    add: (pullRequest) => ['POST', notes(pullRequest)],
    edit: (pullRequest, id) => ['PUT', `${notes(pullRequest)}/${id}`],
  })
}

const userSchema = z.object({ username: z.string() })
const noteSchema = z.object({
  id: z.number(),
  body: z.string(),
  author: z.object({ username: z.string() }).nullish(),
})
