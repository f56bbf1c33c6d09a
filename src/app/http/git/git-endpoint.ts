import type { FastifyReply, FastifyRequest } from 'fastify'
import { LarderError } from '../../../core/index.ts'
import { runHttpBackend, type BackendRequest, type PushGate, type PushTicket } from '../../../forge/index.ts'
import type { AdminToken } from '../admin-token.ts'
import type { HttpContext } from '../options.ts'

export type Asked = Pick<BackendRequest, 'service' | 'step'>

/** Runs `git http-backend` for those who may, so many at once as the limit allows. */
export class GitEndpoint {
  readonly #context: HttpContext
  readonly #repository: string
  readonly #token: AdminToken
  readonly #gate: PushGate
  /** Apart, so that clones by anybody never keep those who may push from it. */
  readonly #running = { reads: 0, writes: 0 }

  constructor(context: HttpContext, parts: { repository: string; token: AdminToken; gate: PushGate }) {
    this.#context = context
    this.#repository = parts.repository
    this.#token = parts.token
    this.#gate = parts.gate
  }

  /** UNAUTHORIZED with the challenge that makes git ask for a password, OVERLOADED. */
  async answer(request: FastifyRequest, reply: FastifyReply, asked: Asked): Promise<void> {
    const writes = asked.service === 'git-receive-pack'
    if (writes && !this.#token.accepts(request.headers.authorization)) {
      reply.header('www-authenticate', 'Basic realm="Larder", charset="UTF-8"')
      this.#token.demand(request.headers.authorization)
    }
    const kind = writes ? 'writes' : 'reads'
    if (this.#running[kind] >= this.#context.limits.gitProcesses) {
      reply.header('retry-after', '5')
      throw new LarderError('OVERLOADED', { message: 'As many clones and pushes are under way as the limit allows.' })
    }
    reply.hijack()
    this.#running[kind] += 1
    const ticket = asked.step === 'git-receive-pack' ? this.#gate.admit() : undefined
    try {
      await this.#run(request, reply, { ...asked, ...(writes ? { user: 'admin' } : {}) }, ticket)
    } finally {
      this.#running[kind] -= 1
    }
  }

  async #run(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: Asked & { user?: string },
    ticket: PushTicket | undefined,
  ): Promise<void> {
    const { log } = this.#context
    const environment = ticket?.environment ?? {}
    const end = await runHttpBackend(request.raw, reply.raw, { ...asked, repository: this.#repository, environment })
    if (end.exitCode !== 0) {
      log.info('git http-backend did not end well; a client that goes away does that.', {
        service: asked.service,
        ...end,
      })
    }
    await ticket?.finish().catch((error: unknown) => log.error('A push was accepted but not settled.', { error }))
  }
}
