import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { discoverPacket, parseOffer, type Offer } from './dhcp-packet.ts'

const [serverPort, clientPort] = [67, 68]

/**
 * Asks for an address, at the interface that has `address`, and takes none. Answers who offered one in that time, by what they call
 * themselves. Linux sends a broadcast out of the interface whose address it comes from; what is sent to all is heard by a second
 * socket. As root; fails where port 68 is somebody else's.
 */
export async function askDhcp(address: string, windowMs: number): Promise<Offer[]> {
  const transaction = randomBytes(4).readUInt32BE()
  const mac = Buffer.concat([Buffer.from([2]), randomBytes(5)])
  const found = new Map<string, Offer>()
  const [sender, listener] = await Promise.all([open(address), open('0.0.0.0')])
  try {
    for (const socket of [sender, listener]) {
      socket.on('message', (packet) => {
        const offer = parseOffer(packet, transaction)
        if (offer !== undefined) found.set(offer.server, offer)
      })
    }
    sender.setBroadcast(true)
    const packet = discoverPacket(transaction, mac)
    // Twice: a bridge that has just been made may lose the first.
    await send(sender, packet)
    await wait(windowMs / 2)
    await send(sender, packet)
    await wait(windowMs / 2)
    return [...found.values()]
  } finally {
    sender.close()
    listener.close()
  }
}

function open(address: string): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind({ address, port: clientPort, exclusive: true }, () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

function send(socket: Socket, packet: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(packet, serverPort, '255.255.255.255', (error) => {
      if (error === null) resolve()
      else reject(error)
    })
  })
}

function wait(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs))
}
