import { z } from 'zod'
import { isLarderError } from '../../core/index.ts'
import { createExchange } from '../api/exchange.ts'
import { cutLine } from '../api/cut-text.ts'
import { keepComment, type KnownComment } from '../api/kept-comment.ts'
import { createOwnName } from '../api/own-name.ts'
import { readAnswer } from '../api/read-answer.ts'
import type { ForgeApi, ForgeApiOptions } from '../forge.ts'
import { isElsewhere, pullRequestOf, pullSchema } from '../pull-object.ts'
import { setCheckRun } from './check-run.ts'
import { createGithubSignIn } from './sign-in.ts'

const title = 'GitHub'

/** Source: GitHub documentation, "REST API": pulls, statuses, check runs, issue comments, collaborators. */
export function createGithubApi(options: ForgeApiOptions): ForgeApi {
  const { url, repository, credentials, send, now } = options
  const signIn = createGithubSignIn(options)
  const exchange = createExchange({ title, url, headers: signIn, send, now })
  const base = `/repos/${repository.split('/').map(encodeURIComponent).join('/')}`
  const isApp = credentials?.kind === 'app'
  const ownName = createOwnName(
    async (signal) => readAnswer(userSchema, (await exchange.ask('GET', '/user', signal)).value, title).login,
  )
  /** Who an App is, only the App itself may ask; what its installation writes is a bot's. */
  const isForeign = (user: CommentUser, own: string | undefined): boolean =>
    isApp ? user?.type !== 'Bot' : own !== undefined && user?.login !== own
  return {
    async gitLogin() {
      const token = /^Bearer (.*)$/.exec((await signIn())['authorization'] ?? '')?.[1]
      return token === undefined ? undefined : { user: 'x-access-token', password: token }
    },
    async openPullRequests(signal) {
      const items = await exchange.list(`${base}/pulls?state=open`, signal)
      return items
        .map((item) => readAnswer(pullSchema, item, title))
        .map((pull) => pullRequestOf(pull.number, pull, isElsewhere(pull)))
    },
    async mayApprove(login, signal) {
      try {
        const path = `${base}/collaborators/${encodeURIComponent(login)}/permission`
        const { value } = await exchange.ask('GET', path, signal)
        return ['admin', 'write'].includes(readAnswer(permissionSchema, value, title).permission)
      } catch (error) {
        if (isLarderError(error, 'FORGE_REFUSED') && error.context['status'] === 404) return false
        throw error
      }
    },
    async setStatus(status, signal) {
      if (isApp) return setCheckRun({ exchange, base, appId: credentials.appId, signal }, status)
      const { commit, name, state, title: line, url: target } = status
      const body = { state, context: name, description: cutLine(line, longestDescription), target_url: target }
      await exchange.ask('POST', `${base}/statuses/${encodeURIComponent(commit)}`, signal, body)
    },
    async setComment({ pullRequest, marker, text }, signal) {
      const own = isApp ? undefined : await ownName(signal)
      const items = await exchange.list(`${base}/issues/${pullRequest}/comments`, signal)
      const comments = items
        .map((item) => readAnswer(commentSchema, item, title))
        .map(({ id, body, user }): KnownComment => ({ id, text: body ?? '', isForeign: isForeign(user, own) }))
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

/** Of a commit status. Source: GitHub documentation, "Create a commit status". */
const longestDescription = 140

const userSchema = z.object({ login: z.string() })
const permissionSchema = z.object({ permission: z.string() })
const commentSchema = z.object({
  id: z.number(),
  body: z.string().nullish(),
  user: z.object({ login: z.string(), type: z.string().nullish() }).nullish(),
})
type CommentUser = z.infer<typeof commentSchema>['user']
