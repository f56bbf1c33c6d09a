// Clients that ask one thing after the other, and count what fails: bounded by whoever ends them, and by each request's time.
import { Agent, request } from 'undici'

export interface Load {
  /** Requests that were answered with 2xx so far. */
  answered(): number
  /** What failed since this was asked last, by reason. */
  takeFailures(): Map<string, number>
  end(): Promise<void>
}

const timeoutMs = 30_000

/** Each client has a connection of its own, kept alive. Every fourth request of each is a POST. */
export function beginLoad(url: string, clients: number): Load {
  const stopping = new AbortController()
  let answered = 0
  let failures = new Map<string, number>()
  const ask = async (dispatcher: Agent, method: 'GET' | 'POST'): Promise<string | undefined> => {
    try {
      const { statusCode, body } = await request(url, { dispatcher, method })
      const text = await body.text()
      return statusCode < 300
        ? undefined
        : `${method}: answered ${statusCode} ${text.replace(/<[^>]*>|\s+/g, ' ').trim()}`
    } catch (error) {
      return `${method}: ${error instanceof Error ? error.message : String(error)}`
    }
  }
  const work = Array.from({ length: clients }, async () => {
    const limits = { headersTimeout: timeoutMs, bodyTimeout: timeoutMs, connect: { timeout: timeoutMs } }
    const dispatcher = new Agent({ connections: 1, ...limits })
    for (let count = 1; !stopping.signal.aborted; count++) {
      const failure = await ask(dispatcher, count % 4 === 0 ? 'POST' : 'GET')
      if (failure === undefined) answered++
      else failures.set(failure, (failures.get(failure) ?? 0) + 1)
    }
    await dispatcher.close()
  })
  return {
    answered: () => answered,
    takeFailures() {
      const taken = failures
      failures = new Map()
      return taken
    },
    async end() {
      stopping.abort()
      await Promise.all(work)
    },
  }
}
