import { once } from 'node:events'
import { createServer } from 'node:net'
import { getSetting, setSetting, type State } from '../state/index.ts'

/** What a controller listens on. */
export interface ListeningAddress {
  host: string
  port: number
}

const key = 'controller/listening'

/** So that doctor knows, when no controller runs, which address one would want. */
export async function rememberAddress(state: State, { host, port }: ListeningAddress): Promise<void> {
  await setSetting(state, key, JSON.stringify({ host, port }))
}

/** Undefined when no controller ever listened. */
export async function lastAddress(state: State): Promise<ListeningAddress | undefined> {
  const text = await getSetting(state, key)
  return text === undefined ? undefined : (JSON.parse(text) as ListeningAddress)
}

/** Whether another program listens there: tried by listening for a moment. What else keeps from it is no answer to that. */
export async function isTaken({ host, port }: ListeningAddress): Promise<boolean> {
  const server = createServer()
  try {
    server.listen({ host, port, exclusive: true })
    await once(server, 'listening')
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
  } finally {
    server.close()
  }
}
