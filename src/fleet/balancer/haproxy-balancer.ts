import { LarderError } from '../../core/index.ts'
import type { Host } from '../host/host.ts'
import type { Balancer, BalancedServer } from '../service/service-spec.ts'
import { sh, type Script } from '../shell/script.ts'
import { haproxyPaths } from './haproxy-paths.ts'
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
      const { isSticky, state, weight: before } = await find(host, server)
      if (state === 'maintenance') return
      const name = nameOf(server)
      if (isSticky && state !== 'draining') await ask(host, sh`echo ${String(before)} >${weightFile(server)}`)
      // Its weight says to the configuration that clients who hold its cookie go elsewhere.
      const weight = isSticky ? [`set server ${name} weight 0`] : []
      await tell(host, sh`tell ${[`set server ${name} state drain`, ...weight]}`)
    },
    async ready(host, server, { isOther } = { isOther: false }) {
      const { isSticky, state, weight: now } = await find(host, server)
      if (state === 'maintenance') return
      const name = nameOf(server)
      const weight = isSticky && now === 0 ? [`set server ${name} weight ${await weightBefore(host, server)}`] : []
      // While it is drained, what its checks found last lasts until as many others have failed or succeeded.
      const down = isOther ? [`set server ${name} health down`] : []
      await tell(host, sh`ready ${server.service} ${server.machine} ${[...weight, ...down]}`)
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

/** What somebody has set it to before it was drained: beside what it was told while it ran. */
function weightFile({ service, machine }: BalancedServer): string {
  return `${haproxyPaths.state}.${service}.${machine}`
}

async function weightBefore(host: Host, server: BalancedServer): Promise<string> {
  const { stdout } = await ask(host, sh`cat -- ${weightFile(server)} 2>/dev/null || :`)
  return /^[0-9]{1,3}\n$/.exec(stdout.toString('latin1'))?.[0].trim() ?? '100%'
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
