import { connect, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import type { MetronomeOptions } from './metronome.ts'

/** Where deliveries go: a server on the loopback that keeps connections open. */
export interface LoadTarget {
  port: number
  path: string
  /** The whole body, and the headers that sign it; the number of the delivery is added to them. */
  body: Buffer
  headers: Readonly<Record<string, string>>
}

export interface LoadResult {
  seconds: number
  count: number
  /** From when a delivery was due to the end of its answer, sorted. */
  latenciesMs: Float64Array
}

/** So many connections, each of which sends the next delivery once the last one is answered. */
export async function closedLoop(
  target: LoadTarget,
  { connections, seconds }: { connections: number; seconds: number },
): Promise<LoadResult> {
  const open = await Promise.all(Array.from({ length: connections }, () => openConnection(target)))
  const latencies: number[] = []
  const started = performance.now()
  const until = started + seconds * 1000
  await Promise.all(
    open.map(async (connection) => {
      for (let sentAt = performance.now(); sentAt < until;) {
        await connection.deliver()
        const now = performance.now()
        latencies.push(now - sentAt)
        sentAt = now
      }
    }),
  )
  const took = (performance.now() - started) / 1000
  for (const connection of open) connection.close()
  return resultOf(latencies, took)
}

/**
 * So many a second, whether or not those before are answered: one that has to wait for a free connection has waited
 * since it was due.
 */
export async function openLoop(
  target: LoadTarget,
  { perSecond, seconds, connections }: { perSecond: number; seconds: number; connections: number },
): Promise<LoadResult> {
  const all = await Promise.all(Array.from({ length: connections }, () => openConnection(target)))
  const idle = [...all]
  const due: number[] = []
  const latencies: number[] = []
  const total = perSecond * seconds
  const { promise: ended, resolve, reject } = Promise.withResolvers<undefined>()
  const send = (): void => {
    while (due.length > 0 && idle.length > 0) {
      const connection = idle.pop()!
      const dueAt = due.shift()!
      connection.deliver().then(() => {
        latencies.push(performance.now() - dueAt)
        idle.push(connection)
        if (latencies.length === total) resolve(undefined)
        else send()
      }, reject)
    }
  }
  const started = performance.now()
  const workerData: MetronomeOptions = { perSecond, total }
  const metronome = new Worker(new URL('./metronome.ts', import.meta.url), { workerData })
  metronome.on('message', (dueAt: number) => {
    due.push(dueAt - performance.timeOrigin)
    send()
  })
  metronome.on('error', reject)
  try {
    await ended
  } finally {
    await metronome.terminate()
    for (const connection of all) connection.close()
  }
  return resultOf(latencies, (performance.now() - started) / 1000)
}

/** Of values that are sorted. */
export function percentile(sorted: Float64Array, part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)]!
}

function resultOf(latencies: readonly number[], seconds: number): LoadResult {
  return { seconds, count: latencies.length, latenciesMs: Float64Array.from(latencies).sort() }
}

interface Connection {
  /** Rejects unless it is answered with 2xx. */
  deliver(): Promise<void>
  close(): void
}

let lastDelivery = 0

/** HTTP/1.1 by hand: so that the load is a small part of what the two processors do. */
async function openConnection({ port, path, body, headers }: LoadTarget): Promise<Connection> {
  const socket = await connectTo(port)
  const fixed = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-length: ${body.length}\r\n${fixed.join('')}`
  let waiting: { resolve: () => void; reject: (error: Error) => void } | undefined
  let said = ''
  const answered = (error?: Error): void => {
    const one = waiting
    waiting = undefined
    said = ''
    if (error === undefined) one?.resolve()
    else one?.reject(error)
  }
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => {
    said += text
    const end = said.indexOf('\r\n\r\n')
    if (end < 0) return
    const length = Number(/^content-length: *(\d+)/im.exec(said.slice(0, end))?.[1] ?? NaN)
    if (Number.isNaN(length)) answered(new Error(`an answer of unknown length: ${said.slice(0, 200)}`))
    else if (said.length >= end + 4 + length) {
      answered(/^HTTP\/1\.1 2\d\d /.test(said) ? undefined : new Error(`refused: ${said.slice(0, 400)}`))
    }
  })
  socket.on('error', answered)
  socket.on('close', () => {
    answered(new Error('the connection was closed'))
  })
  return {
    deliver: () =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject }
        if (!socket.writable) answered(new Error('the connection was closed before'))
        socket.cork()
        socket.write(`${head}x-github-delivery: bench-${process.pid}-${++lastDelivery}\r\n\r\n`)
        socket.write(body)
        socket.uncork()
      }),
    close: () => {
      socket.destroy()
    },
  }
}

function connectTo(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true }, () => {
      resolve(socket)
    })
    socket.once('error', reject)
  })
}
