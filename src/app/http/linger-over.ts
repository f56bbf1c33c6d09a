import type { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'

/** How long a client may go on sending what nobody wants, once it was answered. */
const lingerMs = 5000

/**
 * For every request, before it is answered: when its answer is sent and its body was not read to the end, what is left of that
 * is taken for a moment and forgotten. To close at once would take the answer from a client that is still sending, and
 * that is what Node does where the connection is not kept. Source: RFC 9112 §9.6.
 */
export function lingerOver(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request
  // Called by Node after the last answer of a connection.
  socket.destroySoon = () => {
    if (request.complete) Socket.prototype.destroySoon.call(socket)
    else socket.end()
  }
  response.once('finish', () => {
    if (request.complete) return
    request.resume()
    const giveUp = setTimeout(() => socket.destroy(), lingerMs).unref()
    request.once('close', () => {
      clearTimeout(giveUp)
      if (socket.writableEnded) socket.destroy()
    })
  })
}
