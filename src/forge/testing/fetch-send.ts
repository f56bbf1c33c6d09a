import { LarderError } from '../../core/index.ts'
import type { HttpSend } from '../forge.ts'

/** The network of tests: the loopback, with neither proxy nor limits. */
export const fetchSend: HttpSend = async ({ method, url, headers, body }, signal) => {
  try {
    const answer = await fetch(url, {
      method,
      headers,
      signal,
      redirect: 'manual',
      ...(body === undefined ? {} : { body }),
    })
    return { status: answer.status, headers: Object.fromEntries(answer.headers), text: await answer.text() }
  } catch (cause) {
    throw new LarderError('FORGE_UNREACHABLE', { message: `${url} does not answer.`, cause })
  }
}
