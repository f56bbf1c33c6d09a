import { ownValue, type Finding, type Kind, type KindContext } from '../../core/index.ts'
import { isToDo } from './look-at-service.ts'
import { observeServices } from './observe-services.ts'
import { planServices } from './plan-service.ts'
import type { ObservedServices, ServiceChange, StagedService } from './service-change.ts'
import { serviceGrammar } from './service-grammar.ts'
import type { ServiceKindOptions } from './service-kind-options.ts'
import { ServiceRollouts } from './service-rollouts.ts'
import { servicesOf, type ServicesConfig } from './service-schema.ts'

export type ServiceKind = Kind<ServicesConfig, ObservedServices, ServiceChange, StagedService>

/** The kind `services`: workloads that go from one release to the next without their clients seeing it. */
export function createServiceKind(options: ServiceKindOptions): ServiceKind {
  const rollouts = new ServiceRollouts(options)
  return {
    ...serviceGrammar(),
    nothing: {},
    observe: (context, desired) => observeServices(options, context, desired),
    plan: (_desired, observed) => planServices(observed),
    // What takes long, the image and packages, is brought to machines by the rollout itself, before it touches what runs.
    stage: (_context, { detail: { service, leaves } }) => Promise.resolve({ service, leaves }),
    switch: (context, staged) => rollouts.done(context, staged),
    verify: (context, staged) => verifyService(options, context, staged),
  }
}

/** As its clients see it: every machine gets its share. */
async function verifyService(
  options: ServiceKindOptions,
  context: KindContext,
  { service, leaves }: StagedService,
): Promise<Finding[]> {
  const config = ownValue(servicesOf(context.site), service)
  if (leaves !== undefined || config === undefined) return []
  const { services } = await observeServices(options, { ...context, planned: [] }, { [service]: config })
  const found = services[0]?.found ?? []
  return found.flatMap((one): Finding[] => {
    const subject = `service ${service}`
    const { machine } = one.target
    if (isToDo(one)) return [{ severity: 'error', subject, message: `${machine} is not as declared any more` }]
    if (one.leastView === undefined || one.leastView === 'up') return []
    return [{ severity: 'warning', subject, message: `${machine} is ${one.leastView} at its load balancer` }]
  })
}
