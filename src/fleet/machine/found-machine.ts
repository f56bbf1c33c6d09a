import type { MachineDetail, MachineState } from './machine-memory.ts'
import type { ObservedMachine } from './machine-change.ts'
import { okOf, plannedResources } from './plan-machine.ts'

/** How a machine was found by a look that changes nothing. */
export interface FoundMachine {
  state: Extract<MachineState, 'converged' | 'different' | 'unreachable'>
  detail: MachineDetail
}

/** Pure. Undefined where it is not known what is to be on it, or nobody looked. */
export function foundMachine({ config, spec, state, plan, waitsFor }: ObservedMachine): FoundMachine | undefined {
  if (state === undefined || waitsFor !== undefined) return undefined
  const address = spec.addresses[0]?.address ?? config.ssh?.address
  const nothing: MachineDetail = { address, os: undefined, ok: 0, resources: [], why: undefined }
  if (state !== 'running') return { state: 'different', detail: { ...nothing, why: notRunning[state] } }
  if (plan === undefined) return undefined
  if ('unreachable' in plan) {
    return { state: 'unreachable', detail: { ...nothing, why: plan.unreachable.message } }
  }
  const resources = plannedResources(plan).map(({ id, state: outcome, differences, why }) => {
    const what = differences.map((one) => one.what).join(', ')
    return { id, outcome, why: why ?? (what === '' ? undefined : what) }
  })
  const os = `${plan.facts.os} ${plan.facts.version}`.trim()
  const detail: MachineDetail = { address, os, ok: okOf(plan), resources, why: undefined }
  if (resources.length === 0) return { state: 'converged', detail }
  return { state: 'different', detail: { ...detail, why: whyDifferent(resources) } }
}

/** Why it is not as declared, in words. */
export const notRunning = {
  absent: 'It is gone.',
  stopped: 'It stands still.',
  other: 'It is another than declared: its base, memory or processors differ, or it is being removed.',
}

const mostNamed = 5

function whyDifferent(resources: MachineDetail['resources']): string {
  const named = resources.slice(0, mostNamed).map(({ id, why }) => (why === undefined ? id : `${id} (${why})`))
  const more = resources.length > mostNamed ? ` and ${resources.length - mostNamed} more` : ''
  return `Not as declared: ${named.join(', ')}${more}.`
}
