import { durationMs } from '../resource/grammar.ts'
import type { BalanceSpec, ServiceSpec } from './service-spec.ts'
import type { ServiceConfig, ServicesConfig } from './service-schema.ts'

/** Services as they are declared, with every default filled in, by name. */
export function declaredServices(services: ServicesConfig | undefined): ServiceSpec[] {
  return Object.entries(services ?? {}).map(([name, config]) => declaredService(name, config))
}

export function declaredService(name: string, config: ServiceConfig): ServiceSpec {
  const { machines, port, balance, drain } = config
  return {
    name,
    machines,
    port,
    ready: readyOf(config),
    balance: balance && balanceOf(balance, port),
    drainMs: durationMs(drain),
    readyMs: durationMs(config.ready_timeout),
  }
}

function readyOf({ ready, port }: ServiceConfig): ServiceSpec['ready'] {
  if (ready === undefined) return { tcp: port }
  return 'http' in ready ? { http: ready.http, port: ready.port ?? port } : ready
}

function balanceOf(balance: NonNullable<ServiceConfig['balance']>, servicePort: number): BalanceSpec {
  const { on, mode, hosts, path, tls, sticky } = balance
  const usual = mode === 'tcp' ? servicePort : tls === undefined ? 80 : 443
  return {
    on,
    mode,
    port: balance.port ?? usual,
    hosts,
    path,
    tls: tls && { certificate: tls.certificate, redirectFrom: tls.redirect_from },
    isSticky: sticky,
    responseMs: durationMs(balance.response_timeout),
    upMs: durationMs(balance.up_timeout),
  }
}
