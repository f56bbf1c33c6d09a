import { isLarderError, LarderError } from '../../core/index.ts'
import type { ForgeApiOptions, ForgeCredentials, HttpSend } from '../forge.ts'
import { signAppJwt } from './app-jwt.ts'
import { createClockOfForge } from './clock-of-forge.ts'

/** Headers by which GitHub knows us: a token, or a short-lived one of an App that is renewed in time. FORGE_REFUSED. */
export function createGithubSignIn(options: ForgeApiOptions): () => Promise<Record<string, string>> {
  const { credentials } = options
  const common = { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' }
  if (credentials === undefined) return () => Promise.resolve(common)
  if (credentials.kind === 'token') {
    return () => Promise.resolve({ ...common, authorization: `Bearer ${credentials.token}` })
  }
  let signIn: Promise<() => Promise<string>> | undefined
  return async () => {
    const token = await (await (signIn ??= openApp(options, credentials)))()
    return { ...common, authorization: `Bearer ${token}` }
  }
}

type AppCredentials = Extract<ForgeCredentials, { kind: 'app' }>

/** Loaded where there is an App: most have none. */
async function openApp(options: ForgeApiOptions, app: AppCredentials): Promise<() => Promise<string>> {
  const { createAppAuth } = await import('@octokit/auth-app')
  const { request } = await import('@octokit/request')
  const { url, send, now, onToken } = options
  const clock = createClockOfForge(now)
  const auth = createAppAuth({
    appId: app.appId,
    installationId: app.installationId,
    createJwt: async () => Promise.resolve(signAppJwt(app, clock.now())),
    request: request.defaults({ baseUrl: url, request: { fetch: fetchBy(clock.listening(send)) } }),
  })
  const signIn = () => auth({ type: 'installation' })
  return async () => {
    try {
      // A clock that is wrong may be the reason, and GitHub has just said what the time is.
      const { token } = await signIn().catch((error: unknown) => {
        if (!clock.adjust()) throw error
        return signIn()
      })
      onToken?.(token)
      return token
    } catch (error) {
      throw signInFailure(error)
    }
  }
}

/** Octokit wraps what our own exchange throws; the rest is a key that is none, or an answer of GitHub. */
function signInFailure(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  if (isLarderError(error.cause)) return error.cause
  const status = 'status' in error && typeof error.status === 'number' ? error.status : undefined
  const mayPass = status !== undefined && (status >= 500 || status === 429)
  return new LarderError(mayPass ? 'FORGE_UNREACHABLE' : 'FORGE_REFUSED', {
    message: `The App cannot sign in at GitHub: ${error.message}.`,
    hint: 'Are id, installation and keyFile of forge.app in controller.yaml those of one App, and is the clock right?',
    cause: error,
    context: { status },
  })
}

/** The one way to the network, in the shape that Octokit asks for. */
function fetchBy(send: HttpSend): typeof fetch {
  return async (input, init = {}) => {
    const headers = Object.fromEntries(new Headers(init.headers))
    const body = typeof init.body === 'string' ? { body: init.body } : {}
    const url = input instanceof Request ? input.url : String(input)
    const signal = init.signal ?? new AbortController().signal
    const answer = await send({ method: init.method ?? 'GET', url, headers, ...body }, signal)
    const given = Object.entries(answer.headers).filter((entry): entry is [string, string] => entry[1] !== undefined)
    const text = answer.status === 204 ? null : answer.text
    return new Response(text, { status: answer.status, headers: given })
  }
}
