import { createLocalHost } from '../host/local-host.ts'
import type { Place } from './place.ts'

/** This host. It is there, and it stays. */
export function createLocalPlace({ sudo = false }: { sudo?: boolean } = {}): Place {
  return {
    at: 'local',
    unusable: async () => undefined,
    observe: async () => 'running',
    bringUp: async () => {},
    remove: async () => {},
    host: ({ name }) => createLocalHost({ name, sudo }),
  }
}
