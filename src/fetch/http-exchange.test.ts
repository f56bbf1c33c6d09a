import { beforeEach, describe, expect, it } from 'vitest'
import { HttpExchange } from './http-exchange.ts'

class FakeController {
  aborted = false
  paused = false
  reason: Error | null = null
  abort(reason: Error): void {
    this.aborted = true
    this.reason = reason
  }
  pause(): void {
    this.paused = true
  }
  resume(): void {
    this.paused = false
  }
}

let controller: FakeController
let stop: AbortController
let exchange: HttpExchange
beforeEach(() => {
  controller = new FakeController()
  stop = new AbortController()
  exchange = new HttpExchange(stop.signal)
})

const start = (): void => {
  exchange.onRequestStart(controller)
  exchange.onResponseStart(controller, 200, { etag: '"1"' })
}
const read = async (): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of exchange) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

describe('HttpExchange', () => {
  it('passes on head and body, whether it is read before or after it comes', async () => {
    exchange.onResponseStart(controller, 103, {})
    start()
    exchange.onResponseData(controller, Buffer.from('a'))
    const text = read()
    await Promise.resolve()
    exchange.onResponseData(controller, Buffer.from('b'))
    exchange.onResponseEnd()
    expect(await exchange.head).toEqual({ status: 200, headers: { etag: '"1"' } })
    expect(await text).toBe('ab')
  })

  it('makes the connection wait for a reader that is slow', async () => {
    start()
    const chunk = Buffer.alloc(100 * 1024)
    for (let count = 0; count < 2; count++) exchange.onResponseData(controller, chunk)
    expect(controller.paused).toBe(false)
    exchange.onResponseData(controller, chunk)
    expect(controller.paused).toBe(true)
    const reader = exchange[Symbol.asyncIterator]()
    await reader.next()
    expect(controller.paused).toBe(false)
  })

  it('fails after what came before the connection broke', async () => {
    start()
    exchange.onResponseData(controller, Buffer.from('a'))
    exchange.onResponseError(controller, new Error('reset'))
    const reader = exchange[Symbol.asyncIterator]()
    expect(await reader.next()).toEqual({ done: false, value: Buffer.from('a') })
    await expect(reader.next()).rejects.toThrow('reset')
    expect((await exchange.head).status).toBe(200)
  })

  it('tells a reader that waits', async () => {
    start()
    const text = read()
    exchange.onResponseError(controller, new Error('reset'))
    await expect(text).rejects.toThrow('reset')
  })

  it.each(['before', 'after'])('is stopped by its signal, %s it has a connection', async (when) => {
    if (when === 'after') exchange.onRequestStart(controller)
    stop.abort(new Error('not wanted'))
    await expect(exchange.head).rejects.toThrow('not wanted')
    if (when === 'before') exchange.onRequestStart(controller)
    expect(controller.reason?.message).toBe('not wanted')
  })

  it('is not begun under a signal that was given before', async () => {
    stop.abort(new Error('not wanted'))
    const late = new HttpExchange(stop.signal)
    await expect(late.head).rejects.toThrow('not wanted')
  })

  it('frees the connection of what nobody reads on, and leaves alone what is whole', () => {
    start()
    exchange.discard()
    expect(controller.aborted).toBe(true)
    const [whole, other] = [new HttpExchange(stop.signal), new FakeController()]
    whole.onRequestStart(other)
    whole.onResponseStart(other, 304, {})
    whole.onResponseEnd()
    whole.discard()
    stop.abort()
    expect(other.aborted).toBe(false)
  })
})
