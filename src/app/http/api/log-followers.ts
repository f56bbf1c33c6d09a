import type { FastifyReply } from 'fastify'
import { LarderError } from '../../../core/index.ts'
import type { RunState } from '../../controller.ts'
import type { HttpContext } from '../options.ts'

const endStates: ReadonlySet<RunState> = new Set(['succeeded', 'failed', 'cancelled', 'superseded'])
/** A line that says nothing, so that proxies keep the connection. */
const heartbeatMs = 15_000

/**
 * Logs that are followed as server-sent events: `log` with a line, `state` when it changes, `end` when the run has
 * ended. The id of an event is the number of the line, so that a client that was cut off goes on where it was.
 */
export class LogFollowers {
  readonly #context: HttpContext
  readonly #closing = new AbortController()
  #count = 0

  constructor(context: HttpContext) {
    this.#context = context
  }

  /** Resolves when the run has ended or the client has gone. OVERLOADED. */
  async follow(reply: FastifyReply, run: number, after: number): Promise<void> {
    if (this.#count >= this.#context.limits.logFollowers) {
      throw new LarderError('OVERLOADED', {
        message: 'As many logs are followed as the limit allows.',
        hint: 'Ask again without follow=1, or later.',
      })
    }
    this.#count += 1
    const gone = new AbortController()
    const response = reply.raw
    response.once('close', () => gone.abort())
    reply.hijack()
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
    try {
      const signal = AbortSignal.any([gone.signal, this.#closing.signal])
      await this.#pump((event) => response.write(event), { run, after, signal })
    } catch (error) {
      if (!gone.signal.aborted && !this.#closing.signal.aborted) {
        this.#context.log.warn('Following a log failed.', { run, error })
      }
    } finally {
      this.#count -= 1
      response.end()
    }
  }

  close(): void {
    this.#closing.abort()
  }

  async #pump(
    write: (event: string) => void,
    { run, after, signal }: { run: number; after: number; signal: AbortSignal },
  ): Promise<void> {
    const { controller, clock, limits } = this.#context
    let state: RunState | undefined
    let last = after
    let quietSinceMs = clock.monotonicMs()
    while (!signal.aborted) {
      // The state is read before the lines: a run that had ended then has written all of them.
      const current = (await controller.run(run)).state
      const lines = await controller.runLog(run, last)
      let events = ''
      if (current !== state) events += formatEvent('state', { state: current })
      for (const line of lines) events += formatEvent('log', line, line.number)
      last = lines.at(-1)?.number ?? last
      state = current
      if (endStates.has(current)) {
        write(`${events}${formatEvent('end', { state: current })}`)
        return
      }
      const nowMs = clock.monotonicMs()
      if (events === '' && nowMs - quietSinceMs >= heartbeatMs) events = ': still here\n\n'
      if (events !== '') {
        write(events)
        quietSinceMs = nowMs
      }
      await clock.sleep(limits.logPollMs, signal)
    }
  }
}

/** Source: HTML Living Standard §9.2, server-sent events. JSON has no raw line ends. */
function formatEvent(name: string, data: unknown, id?: number): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}
