import { LarderError } from '../../core/index.ts'
import type { Host } from '../host/host.ts'
import type { Balancer, BalancedServer } from '../service/service-spec.ts'
import { sh, type Script } from '../shell/script.ts'
import { parseBalancerState, type HaproxyServer } from './parse-balancer-state.ts'
import { stateToolPath } from './state-tool.ts'

/** A reload may be under way. */
const timeoutMs = 60_000

/**
 * The load balancers of a site. `drain` and `ready` throw FLEET_BALANCER_REFUSED where HAProxy knows no such server, and all of
 * them FLEET_BALANCER_AWAY.
 */
export function createHaproxyBalancer(): Balancer {
  return {
    async drain(host, server) {
      const { isSticky } = await find(host, server)
      const name = nameOf(server)
      // Its weight says to the configuration that clients who hold its cookie go elsewhere.
      const weight = isSticky ? [`set server ${name} weight 0`] : []
      await tell(host, sh`tell ${[`set server ${name} state drain`, ...weight]}`)
    },
    async ready(host, server) {
      const { isSticky } = await find(host, server)
      const weight = isSticky ? [`set server ${nameOf(server)} weight 100%`] : []
      await tell(host, sh`ready ${server.service} ${server.machine} ${weight}`)
    },
    async state(host, signal) {
      const servers = await show(host, signal)
      return servers.map(({ service, machine, state, sessions, why, statistics }) => {
        return { service, machine, state, sessions, why, statistics }
      })
    },
  }
}

async function find(host: Host, { service, machine }: BalancedServer): Promise<HaproxyServer> {
  const found = (await show(host)).find((one) => one.service === service && one.machine === machine)
  if (found !== undefined) return found
  throw refused(host, `knows no ${machine} of ${service}`)
}

async function show(host: Host, signal?: AbortSignal): Promise<HaproxyServer[]> {
  const answer = await ask(host, sh`exec ${stateToolPath} show`, signal)
  if (answer.code === 0) return parseBalancerState(answer.stdout.toString('utf8'))
  throw away(host, answer.stderr)
}

async function tell(host: Host, command: Script): Promise<void> {
  const { code, stderr } = await ask(host, sh`exec ${stateToolPath} ${command}`)
  if (code !== 0) throw refused(host, `did not take it: ${lastLine(stderr)}`)
}

function ask(host: Host, script: Script, signal?: AbortSignal) {
  return host.run(script, { timeoutMs, ...(signal === undefined ? {} : { signal }) })
}

/** Of HAProxy: names are what the schema lets through, and end no command. */
function nameOf({ service, machine }: BalancedServer): string {
  return `${service}/${machine}`
}

function away({ name }: Host, said: string): LarderError {
  return new LarderError('FLEET_BALANCER_AWAY', {
    message: `No load balancer answers on ${name}: ${lastLine(said)}`,
    hint: `larder machine show ${name} tells whether it is as declared.`,
    context: { machine: name },
  })
}

function refused({ name }: Host, what: string): LarderError {
  return new LarderError('FLEET_BALANCER_REFUSED', {
    message: `The load balancer ${name} ${what}.`,
    hint: `larder machine plan --limit ${name} shows whether its configuration is that of the site.`,
    context: { machine: name },
  })
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}
