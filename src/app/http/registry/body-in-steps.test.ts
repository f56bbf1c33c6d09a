import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { bodyInSteps } from './body-in-steps.ts'

const content = randomBytes(1_400_000)
/** More than may be gathered ahead of who stores it. */
const longContent = randomBytes(4_000_000)

/** As a server reads: each piece has memory of its own. */
function* pieces(size: number, of = content): Iterable<Buffer> {
  for (let at = 0; at < of.length; at += size) {
    const part = of.subarray(at, at + size)
    yield Buffer.from(new Uint8Array(part).buffer)
  }
}

async function collect(request: Readable, into: Buffer[]): Promise<void> {
  for await (const step of bodyInSteps(request)) into.push(Buffer.from(step))
}

describe('bodyInSteps', () => {
  it.each([1000, 65_536, 100_001, 524_288, 524_289, 1_400_000])('gives all of it, in pieces of %i', async (size) => {
    const steps: Buffer[] = []
    await collect(Readable.from(pieces(size), { objectMode: false }), steps)
    expect(Buffer.concat(steps).equals(content)).toBe(true)
    expect(steps.length).toBeLessThanOrEqual(size === 100_001 || size > 524_288 ? 4 : 3)
  })

  it('of nothing gives nothing', async () => {
    const steps: Buffer[] = []
    await collect(Readable.from([]), steps)
    expect(steps).toEqual([])
  })

  it('gives what came before the client went away, then throws that', async () => {
    const request = new PassThrough()
    const steps: Buffer[] = []
    request.write(content.subarray(0, 10_000))
    const collected = collect(request, steps)
    request.once('data', () => setImmediate(() => request.destroy(new Error('aborted'))))
    await expect(collected).rejects.toThrow('aborted')
    expect(Buffer.concat(steps).equals(content.subarray(0, 10_000))).toBe(true)
  })

  it.each([
    ['with an error', new Error('aborted'), 'aborted'],
    ['without one', undefined, 'the client went away'],
  ])('throws for a client that has gone before, %s', async (_, error, message) => {
    const request = new PassThrough()
    request.on('error', () => undefined).destroy(error)
    await new Promise((resolve) => request.once('close', resolve))
    await expect(collect(request, [])).rejects.toThrow(message)
  })

  it('does not keep back what a slow client has sent', async () => {
    const request = new PassThrough()
    const steps = bodyInSteps(request)
    request.write('a part')
    expect(String((await steps.next()).value)).toBe('a part')
    request.end('the rest')
    expect(String((await steps.next()).value)).toBe('the rest')
    expect((await steps.next()).done).toBe(true)
  })

  it('takes no more than four steps ahead of who stores them', async () => {
    const request = new PassThrough({ highWaterMark: 65_536 })
    const writing = (async () => {
      let written = 0
      for (const piece of pieces(65_536, longContent)) {
        written += piece.length
        if (!request.write(piece)) await Promise.race([once(request, 'drain'), once(request, 'close')])
        if (request.destroyed) return written
      }
      return written
    })()
    const steps = bodyInSteps(request)
    await steps.next()
    for (let turns = 0; turns < 200; turns++) await new Promise(setImmediate)
    await steps.return()
    expect(request.isPaused()).toBe(true)
    expect(request.destroyed).toBe(false)
    request.destroy()
    expect(await writing).toBeLessThan(longContent.length)
  })
})
