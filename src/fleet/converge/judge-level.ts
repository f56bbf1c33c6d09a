import { KnownSecrets } from '../../core/index.ts'
import { gaveUp, type Looked, type Resource } from '../resource/resource-type.ts'
import type { FramedOutput } from './frame.ts'
import type { AppliedEntry } from './host-plan.ts'
import type { Look } from './look-at-host.ts'
import type { Step } from './step.ts'
import { timeUp } from './unit-script.ts'

interface Evidence {
  readonly frames: ReadonlyMap<string, FramedOutput>
  /** Undefined: what came after the steps is not whole. */
  readonly after: Look | undefined
  readonly before: Look
  readonly mask: (text: string) => string
}

const logBytes = 64 * 1024

/** Pure. What became of each resource that something was done to: said by its steps, and then by what it is like now. */
export function judgeLevel(steps: readonly Step[], evidence: Evidence): AppliedEntry[] {
  const resources = new Set(steps.map(({ resource }) => resource))
  return [...resources].map((resource) => {
    const own = steps.filter((step) => step.resource === resource)
    const text = own.map((step) => outputOf(step, evidence.frames.get(step.id))).join('')
    const entry = {
      id: resource.id,
      log: maskedTail(evidence.mask(text), resource, evidence.before.looked.get(resource)),
    }
    const bad = own.find(({ id }) => evidence.frames.get(id)?.code !== 0)
    if (bad !== undefined) return { ...entry, ...failureOf(bad, evidence.frames.get(bad.id)) }
    const why = stillDifferent(resource, evidence.after)
    if (why !== undefined) return { ...entry, outcome: evidence.after === undefined ? 'unknown' : 'failed', why }
    const isAsked = own.every(({ does }) => does === 'ready')
    return { ...entry, outcome: isAsked ? 'ok' : 'changed', why: undefined }
  })
}

/** Until something is ready, those who ask for it complain; once it is, nobody wants to know. */
function outputOf({ does }: Step, frame: FramedOutput | undefined): string {
  return frame === undefined || (does === 'ready' && frame.code === 0) ? '' : frame.output.toString('utf8')
}

function failureOf(step: Step, frame: FramedOutput | undefined): Pick<AppliedEntry, 'outcome' | 'why'> {
  if (frame === undefined)
    return { outcome: 'unknown', why: 'what became of it was not heard; the next run looks again' }
  const seconds = Math.round(step.timeoutMs / 1000)
  const isTimeout = frame.code > timeUp
  const code = isTimeout ? frame.code - timeUp : frame.code
  if (step.does === 'ready') {
    if (isTimeout) return { outcome: 'failed', why: `it was not ready within ${seconds} s` }
    const hasFailed = 'it was started and has failed, and nobody starts it again'
    return {
      outcome: 'failed',
      why: frame.code === gaveUp ? hasFailed : `asking whether it is ready ended with ${frame.code}`,
    }
  }
  const what = step.does === 'notified' ? 'what a notification starts' : 'it'
  if (isTimeout) return { outcome: 'failed', why: `${what} did not end within ${seconds} s, and was ended (${code})` }
  if (code === 141) return { outcome: 'failed', why: `${what} printed without end, and was ended` }
  return { outcome: 'failed', why: `${what} ended with ${code}` }
}

function stillDifferent(resource: Resource, after: Look | undefined): string | undefined {
  if (after === undefined) return 'it was applied; the connection was lost before it was looked at again'
  const seen: Looked<unknown> = after.looked.get(resource) ?? { known: false, why: 'it was not asked for' }
  if (!seen.known) return `it was applied, but could not be looked at: ${seen.why}`
  const differences = resource.type.diff(resource.desired, seen.facts)
  if (differences.length === 0) return undefined
  const told = differences.map(({ what, from, to, isSecret }) => {
    const isShort =
      isSecret !== true && [from, to].every((one) => one === undefined || (one.length < 80 && !one.includes('\n')))
    return isShort ? `${what} is ${from ?? 'not there'}, not ${to ?? 'gone'}` : `${what} is another`
  })
  return `it was applied, but ${told.join('; ')}`
}

/** Without values that are secret by what their type says, nor whatever else is known to be. */
function maskedTail(text: string, { type, desired }: Resource, looked: Looked<unknown> | undefined): string {
  const differences = looked?.known === true ? type.diff(desired, looked.facts) : []
  const secrets = differences.flatMap(({ isSecret, from, to }) => (isSecret === true ? [from, to] : []))
  const known = new KnownSecrets()
  known.add(...secrets)
  return known.mask(text).slice(-logBytes)
}
