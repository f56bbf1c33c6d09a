import { LarderError } from '../../core/index.ts'
import type { ServiceSpec } from '../service/service-spec.ts'
import type { BalancedService } from './balanced-service.ts'
import { certificatePath, certificatesOf } from './frontend-sections.ts'
import { haproxyConfig } from './haproxy-config.ts'
import { haproxyPaths } from './haproxy-paths.ts'
import { stateTool, stateToolPath, unitPart } from './state-tool.ts'

export interface BalancerResources {
  /** As somebody could have written them. */
  readonly entries: readonly Record<string, unknown>[]
  /** Names and addresses that Larder certifies, by the name of the secret that entries take for it. */
  readonly certified: ReadonlyMap<string, readonly string[]>
}

/**
 * What makes a machine the load balancer of all services that name it. `addressOf` answers '' for a machine that has none.
 * FLEET_RESOURCE_INVALID then.
 */
export function balancerResources(
  machine: string,
  services: readonly ServiceSpec[],
  addressOf: (machine: string) => string,
): BalancerResources {
  const balanced = services.flatMap((service): BalancedService[] => {
    const { balance, machines, ...rest } = service
    if (balance?.on.includes(machine) !== true) return []
    const servers = machines.map((one) => ({ machine: one, address: addressFrom(machine, one, addressOf) }))
    return [{ ...rest, balance, servers }]
  })
  const certificates = [...new Set(balanced.flatMap(certificatesOf))].sort()
  const certified = balanced.flatMap((service) => {
    const { tls, hosts } = service.balance
    if (tls === undefined || tls.certificate !== undefined) return []
    const names = hosts.length > 0 ? hosts : [machine, addressOf(machine)].filter((name) => name !== '')
    return certificatesOf(service).map((name) => [name, names] as const)
  })
  const files = certificates.map(certificatePath)
  const entries = [
    { package: ['haproxy', 'socat'], recommends: false },
    { file: stateToolPath, content: stateTool, mode: '0755' },
    { unit: 'haproxy.service.d/larder.conf', content: unitPart, after: `file:${stateToolPath}` },
    ...(files.length === 0 ? [] : [{ directory: haproxyPaths.certificates, mode: '0700', after: 'package:haproxy' }]),
    ...certificates.map((secret, at) => {
      const own = { file: files[at], secret, validate: judgeCertificate, after: 'package:haproxy' }
      return { ...own, notify: 'service:haproxy' }
    }),
    {
      file: haproxyPaths.config,
      content: haproxyConfig(balanced),
      validate: ['haproxy', '-c', '-q', '-f', '%s'],
      after: ['package:haproxy', ...files.map((path) => `file:${path}`)],
      notify: 'service:haproxy',
    },
    {
      service: 'haproxy',
      notified: 'reload',
      after: ['unit:haproxy.service.d/larder.conf', 'package:socat'],
      ready: { command: [stateToolPath, 'show'] },
    },
  ]
  return { entries, certified: new Map(certified) }
}

/** As the configuration takes it: with one that HAProxy does not, its next start would fail. */
const judgeCertificate: readonly string[] = [
  'sh',
  '-c',
  String.raw`{ echo defaults; for one in client server connect; do echo "  timeout $one 1s"; done
echo listen judged; echo "  bind 127.0.0.1:1 ssl crt '$0'"; } | haproxy -c -q -f /dev/stdin`,
  '%s',
]

function addressFrom(balancer: string, machine: string, addressOf: (machine: string) => string): string {
  if (machine === balancer) return '127.0.0.1'
  const address = addressOf(machine)
  if (address !== '') return address
  throw new LarderError('FLEET_RESOURCE_INVALID', {
    message: `The load balancer ${balancer} cannot reach ${machine}: it has no address that Larder knows.`,
    hint: 'Give it one: a network, or ssh: { address: … }.',
    context: { machine },
  })
}
