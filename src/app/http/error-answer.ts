import { randomUUID } from 'node:crypto'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import { LarderError, isLarderError, type Log } from '../../core/index.ts'

/** Renders what a route threw: `{ error: { code, message, hint, context } }` with the status of the catalogue. */
export function answerError(log: Log): (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => void {
  return (error, request, reply) => {
    const known = knownError(error, request, log)
    // Answers that are no JSON in the good case are JSON here too: programs and people can both read it.
    reply.status(statusOf(error, known)).type('application/json; charset=utf-8').serializer(JSON.stringify)
    reply.send({ error: known })
  }
}

/** The same for what is answered on the bare server. */
export function errorAnswer(error: unknown, request: AskedFor, log: Log): { status: number; text: string } {
  const known = knownError(error, request, log)
  return { status: known.httpStatus, text: JSON.stringify({ error: known }) }
}

type AskedFor = Pick<FastifyRequest, 'method' | 'url'>

function knownError(error: unknown, request: AskedFor, log: Log): LarderError {
  const known = (error instanceof Error ? foreseen(error) : undefined) ?? unforeseen(error, request, log)
  if (known.httpStatus >= 500 && known.code !== 'INTERNAL') {
    log.warn('A request failed.', { method: request.method, url: request.url, error: known })
  }
  return known
}

export function answerUnknown(request: FastifyRequest): never {
  throw new LarderError('NOT_FOUND', {
    message: `There is nothing at ${request.method} ${request.url.slice(0, 200)}.`,
    hint: 'The addresses of the API are listed at /api/v1/openapi.json.',
  })
}

function foreseen(error: Error & { statusCode?: number }): LarderError | undefined {
  if (isLarderError(error)) return error
  if (hasZodFastifySchemaValidationErrors(error)) {
    const issues = error.validation.map((issue) => ({ path: issue.instancePath, message: issue.message }))
    const [first] = issues
    return new LarderError('USAGE', {
      message: `The request is not as it should be: ${error.validationContext ?? ''}${first?.path ?? ''}: ${first?.message ?? ''}`,
      context: { issues },
      hint: 'See /api/v1/openapi.json.',
    })
  }
  // The framework's own: too large, not JSON, unsupported media type.
  const status = error.statusCode ?? 500
  return status >= 400 && status < 500 ? new LarderError('USAGE', { message: error.message, cause: error }) : undefined
}

function unforeseen(error: unknown, request: AskedFor, log: Log): LarderError {
  const id = randomUUID()
  log.error('A request failed in a way that nobody foresaw.', { id, method: request.method, url: request.url, error })
  return new LarderError('INTERNAL', {
    message: 'Larder failed over this request.',
    hint: `Look for ${id} in its log.`,
    context: { id },
  })
}

function statusOf(error: FastifyError, known: LarderError): number {
  const own = isLarderError(error) ? undefined : error.statusCode
  return known.code === 'USAGE' && own !== undefined && own >= 400 && own < 500 ? own : known.httpStatus
}
