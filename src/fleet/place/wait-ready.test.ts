import { describe, expect, it } from 'vitest'
import { LarderError } from '../../core/index.ts'
import { FakeClock } from '../../core/testing/fake-clock.ts'
import type { Host, HostAnswer } from '../host/host.ts'
import { waitReady } from './wait-ready.ts'

const away = new LarderError('FLEET_HOST_UNREACHABLE', { message: 'db cannot be reached: no route' })
const changed = new LarderError('FLEET_HOST_KEY_CHANGED', { message: 'db shows another key' })
const answer = (code: number): HostAnswer => ({ code, stdout: Buffer.alloc(0), stderr: '' })

/** Answers one after the other; the last again and again. */
function hostThat(...outcomes: readonly (HostAnswer | LarderError)[]): Host & { tries: number } {
  const host = {
    name: 'db',
    tries: 0,
    async run() {
      const outcome = outcomes[Math.min(host.tries++, outcomes.length - 1)]!
      if (outcome instanceof LarderError) throw outcome
      return outcome
    },
    async close() {},
  }
  return host
}

const room = () => ({ clock: new FakeClock(), signal: new AbortController().signal })

describe('waitReady', () => {
  it('waits through what passes', async () => {
    const host = hostThat(away, away, answer(1), answer(0))
    await waitReady(host, room())
    expect(host.tries).toBe(4)
  })
  it('another key is for nobody to wait for', async () => {
    const host = hostThat(away, changed)
    await expect(waitReady(host, room())).rejects.toBe(changed)
    expect(host.tries).toBe(2)
  })
  it('says what kept it, and what the console said last', async () => {
    const waiting = waitReady(hostThat(away), { ...room(), timeoutMs: 1000, console: async () => 'Kernel panic\n' })
    await expect(waiting).rejects.toMatchObject({
      code: 'FLEET_MACHINE_FAILED',
      message:
        'db did not come up: it is not ready: db cannot be reached: no route\nThe last that it said:\nKernel panic',
    })
  })
  it('does not wait for what has ended', async () => {
    const host = hostThat(away)
    const waiting = waitReady(host, { ...room(), lost: async () => 'it ended' })
    await expect(waiting).rejects.toMatchObject({ message: 'db did not come up: it ended' })
    expect(host.tries).toBe(1)
  })
  it('ends when it is told to', async () => {
    const control = new AbortController()
    const waiting = waitReady(hostThat(away), {
      ...room(),
      signal: control.signal,
      lost: async () => {
        control.abort()
        return undefined
      },
    })
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' })
  })
})
