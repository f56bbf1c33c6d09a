import { isLarderError, LarderError, ownValue } from '../../core/index.ts'
import type { KnownService, ServiceConfig, ServiceKindOptions, ServicesConfig } from '../../fleet/index.ts'
import { machinesOf, machineSpecs, servicesOf } from '../../fleet/index.ts'
import type {
  BalancerStatus,
  ServiceController,
  ServiceOnMachineState,
  ServiceStateName,
  ServiceSummary,
} from '../service-controller.ts'
import type { ControllerContext } from './context.ts'
import { summarizeRun } from './runs.ts'

export function createServiceMethods(context: ControllerContext): ServiceController {
  const { services } = context.fleet
  /** By machine: whoever asks while a load balancer is being asked is answered with that, whichever service it is about. */
  const asking = new Map<string, Promise<BalancerAnswer>>()
  return {
    async services() {
      const declared = await declaredServices(context)
      const known = await services.memory.list()
      const names = [...new Set([...Object.keys(declared), ...known.map(({ name }) => name)])].sort()
      return names.map((name) => summaryOf(name, ownValue(declared, name), known))
    },
    async service(name) {
      const declared = ownValue(await declaredServices(context), name)
      const known = await services.memory.list()
      const summary = summaryOf(name, declared, known)
      if (summary.machines.length === 0) throw unknownService(name)
      const balancers = (declared?.balance?.on ?? []).map(async (machine): Promise<BalancerStatus> => {
        const asked = asking.get(machine) ?? askBalancer(context, machine).finally(() => asking.delete(machine))
        asking.set(machine, asked)
        const { away, states } = await asked
        const servers = states.flatMap(({ service, ...server }) => (service === name ? [server] : []))
        return { machine, away, servers }
      })
      return {
        ...summary,
        onMachines: serviceOnMachines(name, declared, known),
        balancers: await Promise.all(balancers),
      }
    },
    async restartService(name) {
      const declared = await declaredServices(context)
      const commit = (await context.siteHead.current())?.commit
      if (commit === undefined || !Object.hasOwn(declared, name)) throw unknownService(name)
      const about = { branch: 'main', commit, goal: 'apply', sections: ['services'] } as const
      const run = await context.runs.create({ ...about, origin: `service restart ${name}`, only: { restart: name } })
      context.runner.wake()
      return summarizeRun(run)
    },
  }
}

async function declaredServices({ siteHead }: ControllerContext): Promise<ServicesConfig> {
  return servicesOf((await siteHead.current())?.site.sections)
}

function unknownService(name: string): LarderError {
  return new LarderError('FLEET_SERVICE_UNKNOWN', {
    message: `The site declares no service ${name.slice(0, 100)}.`,
    hint: 'larder service ls shows those that it does.',
  })
}

function summaryOf(name: string, declared: ServiceConfig | undefined, known: readonly KnownService[]): ServiceSummary {
  const machines = serviceOnMachines(name, declared, known)
  const worst = (['failed', 'changing', 'new'] as const).find((state) => machines.some((one) => one.state === state))
  return {
    name,
    state: worst ?? 'ready',
    image: declared?.image,
    versions: [...new Set(machines.flatMap(({ version }) => version ?? []))],
    machines: machines.map(({ machine }) => machine),
    isDeclared: declared !== undefined,
  }
}

function serviceOnMachines(
  name: string,
  declared: ServiceConfig | undefined,
  known: readonly KnownService[],
): ServiceOnMachineState[] {
  const own = new Map(known.filter((one) => one.name === name).map((one) => [one.machine, one]))
  const machines = [...new Set([...(declared?.machines ?? []), ...own.keys()])]
  return machines.map((machine) => {
    const found = own.get(machine)
    const state: ServiceStateName = found?.state ?? 'new'
    const { version, reference, why, runId: run } = found ?? {}
    const times = { checkedAt: found?.checkedAt.toISOString(), changedAt: found?.changedAt?.toISOString() }
    return { machine, state, version, reference, why, run, ...times }
  })
}

interface BalancerAnswer {
  /** Why it says nothing. */
  away: string | undefined
  /** Of servers of all services. */
  states: Awaited<ReturnType<ServiceKindOptions['balancer']['state']>>
}

async function askBalancer({ siteHead, fleet, stopping }: ControllerContext, machine: string): Promise<BalancerAnswer> {
  const head = await siteHead.current()
  if (head === undefined) return { away: 'the site has no main yet', states: [] }
  const { sections: site, name: siteName } = head.site
  const machines = machinesOf(site)
  const known = await fleet.memory.list()
  try {
    const own = await fleet.options.ownAddresses({ site, siteName })
    const specs = machineSpecs(machines, { site, siteName, known, own })
    const place = await fleet.options.place(machines[machine]!.at)
    const states = await fleet.services.options.balancer.state(place.host(specs.get(machine)!), stopping)
    return { away: undefined, states }
  } catch (error) {
    if (!isLarderError(error)) throw error
    return { away: error.message, states: [] }
  }
}
