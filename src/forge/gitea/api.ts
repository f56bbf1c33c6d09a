import { z } from 'zod'
import { isLarderError } from '../../core/index.ts'
import { cutLine } from '../api/cut-text.ts'
import { createExchange } from '../api/exchange.ts'
import { readAnswer } from '../api/read-answer.ts'
import { tokenOf } from '../api/token.ts'
import type { ForgeApi, ForgeApiOptions } from '../forge.ts'
import { pullRequestOf, pullSchema } from '../pull-object.ts'
import { createGiteaComments } from './comments.ts'
import { isFromFork } from './from-fork.ts'

const title = 'Gitea'
/** Servers bound their pages at 50 unless told otherwise. */
const pages = { name: 'limit', value: 50 }

/** Source: Gitea's API description (Swagger): pulls, statuses, issue comments, collaborator permission. */
export function createGiteaApi({ url, repository, credentials, send, now }: ForgeApiOptions): ForgeApi {
  const token = tokenOf(credentials, title)
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `token ${token}` }
  const exchange = createExchange({ title, url, headers: () => Promise.resolve(headers), send, now })
  const base = `/repos/${repository.split('/').map(encodeURIComponent).join('/')}`
  return {
    // The name may be anything where the password is a token.
    gitLogin: () => Promise.resolve(token === undefined ? undefined : { user: 'larder', password: token }),
    async openPullRequests(signal) {
      const items = await exchange.list(`${base}/pulls?state=open`, signal, pages)
      return items
        .map((item) => readAnswer(pullSchema, item, title))
        .map((pull) => pullRequestOf(pull.number, pull, isFromFork(pull)))
    },
    async mayApprove(login, signal) {
      try {
        const path = `${base}/collaborators/${encodeURIComponent(login)}/permission`
        const { value } = await exchange.ask('GET', path, signal)
        return ['owner', 'admin', 'write'].includes(readAnswer(permissionSchema, value, title).permission)
      } catch (error) {
        if (isLarderError(error, 'FORGE_REFUSED') && error.context['status'] === 404) return false
        throw error
      }
    },
    async setStatus({ commit, name, state, title: line, url: target }, signal) {
      await exchange.ask('POST', `${base}/statuses/${encodeURIComponent(commit)}`, signal, {
        state,
        context: name,
        description: cutLine(line, 255),
        target_url: target,
      })
    },
    ...createGiteaComments(exchange, base),
  }
}

const permissionSchema = z.object({ permission: z.string() })
