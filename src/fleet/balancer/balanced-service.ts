import type { BalanceSpec, ServiceSpec } from '../service/service-spec.ts'

/** A service that a load balancer offers, with where it is found. */
export interface BalancedService extends Omit<ServiceSpec, 'balance' | 'machines'> {
  readonly balance: BalanceSpec
  readonly servers: readonly { readonly machine: string; readonly address: string }[]
}

/** What is at the balancer for Larder's own use has a name that no service can have. */
export const ownPrefix = 'larder:'
