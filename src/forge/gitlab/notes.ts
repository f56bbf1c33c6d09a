import { z } from 'zod'
import type { Exchange } from '../api/exchange.ts'
import { keepComment } from '../api/kept-comment.ts'
import { createOwnName } from '../api/own-name.ts'
import { readAnswer } from '../api/read-answer.ts'
import type { ForgeApi } from '../forge.ts'

/** Comments of a merge request. `base`: `/projects/…`. Source: GitLab documentation, "Notes API". */
export function createGitlabNotes(exchange: Exchange, base: string): Pick<ForgeApi, 'comments' | 'setComment'> {
  const ownName = createOwnName(
    async (signal) => readAnswer(userSchema, (await exchange.ask('GET', '/user', signal)).value, 'GitLab').username,
  )
  const list = async (pullRequest: number, signal: AbortSignal) => {
    const items = await exchange.list(`${base}/merge_requests/${pullRequest}/notes?sort=asc`, signal)
    return items.map((item) => readAnswer(noteSchema, item, 'GitLab'))
  }
  return {
    async comments(pullRequest, signal) {
      return (await list(pullRequest, signal)).map(({ body, author }) => ({ by: author?.username ?? '', text: body }))
    },
    async setComment({ pullRequest, marker, text }, signal) {
      const own = await ownName(signal)
      const notes = `${base}/merge_requests/${pullRequest}/notes`
      const comments = (await list(pullRequest, signal)).map(({ id, body, author }) => ({
        id,
        text: body,
        isForeign: own !== undefined && author?.username !== own,
      }))
      await keepComment({
        marker,
        text,
        comments,
        edit: (id) => exchange.ask('PUT', `${notes}/${id}`, signal, { body: text }),
        add: () => exchange.ask('POST', notes, signal, { body: text }),
      })
    },
  }
}

const userSchema = z.object({ username: z.string() })
const noteSchema = z.object({
  id: z.number(),
  body: z.string(),
  author: z.object({ username: z.string() }).nullish(),
})
