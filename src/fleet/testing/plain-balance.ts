import type { BalanceSpec } from '../service/service-spec.ts'

/** At the balancer lb-1, all of port 80 by HTTP, but for what is said. */
export function plainBalance(more: Partial<BalanceSpec> = {}): BalanceSpec {
  return {
    on: ['lb-1'],
    mode: 'http',
    port: 80,
    hosts: [],
    path: undefined,
    tls: undefined,
    isSticky: false,
    responseMs: 60_000,
    upMs: 60_000,
    ...more,
  }
}
