import { createConnection } from 'node:net'
import { parseJson, LarderError } from '../../../core/index.ts'

/** What Kea answers. `result`: 0 done, 1 failed, 2 not known, 3 nothing found. */
export interface KeaAnswer {
  result: number
  text: string
  arguments: Readonly<Record<string, unknown>>
}

const longestAnswer = 256 * 1024 * 1024

/**
 * Asks a Kea that runs, by its control socket. Undefined where nobody listens there. FLEET_NETWORK_SERVER_FAILED for one that does not
 * answer within `timeoutMs` (default 10,000) or with what cannot be understood. Source: Kea Administrator Reference Manual 2.2, §17.
 */
export async function askKea(
  socket: string,
  command: string,
  { arguments: given, timeoutMs = 10_000 }: { arguments?: unknown; timeoutMs?: number } = {},
): Promise<KeaAnswer | undefined> {
  const text = JSON.stringify(given === undefined ? { command } : { command, arguments: given })
  const answer = await exchange(socket, text, timeoutMs)
  if (answer === undefined) return undefined
  return parseAnswer(answer, command)
}

function exchange(socket: string, text: string, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    const connection = createConnection({ path: socket })
    const fail = (message: string): void => {
      connection.destroy()
      reject(new LarderError('FLEET_NETWORK_SERVER_FAILED', { message, hint: 'Look at its log: larder doctor.' }))
    }
    // Not by the socket's own timeout: one that answers a byte now and then would never end.
    const timer = setTimeout(() => {
      fail(`Kea does not answer within ${timeoutMs} ms.`)
    }, timeoutMs)
    connection.on('connect', () => connection.write(text))
    connection.on('data', (chunk) => {
      chunks.push(chunk)
      length += chunk.length
      if (length > longestAnswer) fail(`Kea answers more than ${longestAnswer} bytes.`)
    })
    connection.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined)
      else fail(`The socket of Kea cannot be used: ${error.message}`)
    })
    connection.on('end', () => {
      resolve(Buffer.concat(chunks).toString('utf8'))
    })
    connection.on('close', () => {
      clearTimeout(timer)
    })
  })
}

function parseAnswer(answer: string, command: string): KeaAnswer {
  const parsed = asObject(parseJson(answer))
  if (typeof parsed['result'] !== 'number') {
    throw new LarderError('FLEET_NETWORK_SERVER_FAILED', {
      message: `Kea answers ${command} with what cannot be understood: ${answer.slice(0, 200)}`,
    })
  }
  const { result, text } = parsed
  return { result, text: typeof text === 'string' ? text : '', arguments: asObject(parsed['arguments']) }
}

export function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}
