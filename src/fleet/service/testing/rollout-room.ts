import type { Host } from '../../host/host.ts'
import { FakeClock } from '../../../core/testing/fake-clock.ts'
import type { RolloutRoom } from '../roll-service.ts'
import { ServerWatch } from '../server-watch.ts'
import type { ServiceWorld } from './service-world.ts'

/** What a rollout of the world's service works with; `port` is where its releases answer. */
export function rolloutRoom(
  world: ServiceWorld,
  { port = 8080, isBalanced = true, ...more }: Partial<RolloutRoom> & { port?: number; isBalanced?: boolean } = {},
): RolloutRoom {
  const { signal } = new AbortController()
  const hosts = isBalanced ? [{ name: 'lb' } as Host] : []
  return {
    spec: {
      name: 'counter',
      machines: [...world.machines.keys()],
      port,
      ready: { tcp: port },
      balance: undefined,
      drainMs: 1000,
      readyMs: 1000,
    },
    kept: world.kept,
    watch: new ServerWatch({ service: 'counter', balancer: world.balancer, hosts, clock: new FakeClock(), signal }),
    plan: world.plan,
    apply: world.apply,
    progress: { log: () => {} },
    signal,
    restart: false,
    upMs: 2000,
    onBegun: async () => {},
    onDone: async () => {},
    onFailed: async () => {},
    ...more,
  }
}
