import type { HttpSend } from '../forge.ts'

/** Differences that are the network's, or those of whole seconds, and no clock's. */
const noticeableMs = 5000

/** The time as the forge has it. */
export interface ClockOfForge {
  now(): Date
  /** Learns from its answers how late it is there. */
  listening(send: HttpSend): HttpSend
  /** Goes by what was learned. False: that is what it goes by already. */
  adjust(): boolean
}

/** Our own time, until the forge does not believe it. */
export function createClockOfForge(ours: () => Date): ClockOfForge {
  let aheadMs = 0
  let heardMs = 0
  return {
    now: () => new Date(ours().getTime() + aheadMs),
    listening: (send) => async (request, signal) => {
      const answer = await send(request, signal)
      const date = Date.parse(answer.headers['date'] ?? '')
      if (!Number.isNaN(date)) heardMs = date - ours().getTime()
      return answer
    },
    adjust() {
      if (Math.abs(heardMs - aheadMs) < noticeableMs) return false
      aheadMs = heardMs
      return true
    },
  }
}
