import { createServiceMethods } from '../../controller/services.ts'
import type { ServiceDetail } from '../../service-controller.ts'
import type { Ailment, DoctorCheck } from '../check.ts'

/** Services run on all of their machines, and their load balancers send clients to each of them. */
export const servicesCheck: DoctorCheck = {
  name: 'services',
  async look({ context }) {
    const methods = createServiceMethods(context)
    const declared = (await methods.services()).filter(({ isDeclared }) => isDeclared)
    const details = await Promise.all(declared.map(({ name }) => methods.service(name)))
    return details.flatMap(judgeService)
  },
}

/** Pure. */
export function judgeService(service: Pick<ServiceDetail, 'name' | 'onMachines' | 'balancers'>): Ailment[] {
  const { name, onMachines, balancers } = service
  const subject = `service ${name}`
  const again = `larder service show ${name} tells of it; larder machine apply goes on`
  const failed = onMachines.flatMap(({ machine, state, why }): Ailment[] =>
    state === 'failed'
      ? [{ severity: 'error', subject, message: `${machine}: ${why ?? 'it failed.'}`, hint: again }]
      : [],
  )
  return [...failed, ...balancers.flatMap((one) => judgeBalancer(name, one))]
}

function judgeBalancer(
  name: string,
  { machine: balancer, away, servers }: ServiceDetail['balancers'][number],
): Ailment[] {
  const subject = `service ${name}`
  if (away !== undefined) {
    const hint = `larder machine show ${balancer}; then larder machine apply --limit ${balancer}`
    return [{ severity: 'error', subject, message: away, hint }]
  }
  const isNowhere = servers.length > 0 && servers.every(({ state }) => state !== 'up')
  return servers.flatMap(({ machine, state, why }): Ailment[] => {
    if (state === 'up') return []
    const severity = isNowhere || state === 'down' ? 'error' : 'warning'
    const reason = why === undefined ? '' : `: ${why}`
    return [
      {
        severity,
        subject,
        message: `${balancer} ${words[state]} ${machine} of ${name}${reason}.`,
        hint: hints[state](name, machine),
      },
    ]
  })
}

type NotUp = Exclude<ServiceDetail['balancers'][number]['servers'][number]['state'], 'up'>

const words: Readonly<Record<NotUp, string>> = {
  down: 'finds no answer at',
  draining: 'gives nothing new to',
  maintenance: 'was told by hand to leave out',
}

const hints: Readonly<Record<NotUp, (service: string, machine: string) => string>> = {
  down: (service, machine) => `larder machine shell ${machine}, then: journalctl -u ${service} -e`,
  draining: () => 'A rollout does so for a while; the next run gives back what one has left: larder machine apply',
  maintenance: (service, machine) =>
    `Give it back on the load balancer: /usr/local/lib/larder/haproxy-state ready ${service} ${machine}`,
}
