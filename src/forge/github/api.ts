import { z } from 'zod'
import { isLarderError } from '../../core/index.ts'
import { createExchange } from '../api/exchange.ts'
import { cutLine } from '../api/cut-text.ts'
import { readAnswer } from '../api/read-answer.ts'
import type { ForgeApi, ForgeApiOptions } from '../forge.ts'
import { isElsewhere, pullRequestOf, pullSchema } from '../pull-object.ts'
import { setCheckRun } from './check-run.ts'
import { createGithubComments } from './comments.ts'
import { createGithubSignIn } from './sign-in.ts'

const title = 'GitHub'

/** Source: GitHub documentation, "REST API": pulls, statuses, check runs, issue comments, collaborators. */
export function createGithubApi(options: ForgeApiOptions): ForgeApi {
  const { url, repository, credentials, send, now } = options
  const signIn = createGithubSignIn(options)
  const exchange = createExchange({ title, url, headers: signIn, send, now })
  const base = `/repos/${repository.split('/').map(encodeURIComponent).join('/')}`
  const isApp = credentials?.kind === 'app'
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
    ...createGithubComments({ exchange, base, isApp }),
  }
}

/** Of a commit status. Source: GitHub documentation, "Create a commit status". */
const longestDescription = 140

const permissionSchema = z.object({ permission: z.string() })
