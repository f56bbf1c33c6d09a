import type { ServiceChangeDetail } from '../fleet/index.ts'
import { describeResources } from './describe-machine.ts'
import type { PlannedService } from './machine-controller.ts'

/** What becomes of a service, in lines for people: each of its machines in their order, and below it what differs. */
export function describeService({ machines = [] }: Partial<Pick<ServiceChangeDetail, 'machines'>>): string[] {
  return machines.flatMap(({ machine, from, to, unreachable, resources }) => {
    if (unreachable !== undefined) return [`  ? ${machine}: ${unreachable}`]
    // Nobody has looked yet.
    if (to === undefined && resources.length === 0) return []
    const release = from === undefined || from === to ? (to ?? 'its unit') : `${from} → ${to}`
    return [`  ~ ${machine}: ${release}`, ...describeResources(resources).map((line) => `  ${line}`)]
  })
}

/** What is found of a service on one machine, and what becomes of it on all of them, in lines for people. */
export function describePlannedService({ service, summary, unreachable, resources }: PlannedService): string[] {
  const mark = unreachable === undefined ? '~' : '?'
  return [`  ${mark} service ${service}: ${summary}`, ...describeResources(resources).map((line) => `  ${line}`)]
}
