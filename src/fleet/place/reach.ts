import { isLarderError, type Clock } from '../../core/index.ts'
import type { Host } from '../host/host.ts'
import { createSshHost } from '../host/ssh-host.ts'
import type { FleetCredentials } from './credentials.ts'

/** What every place needs to reach its machines. */
export interface Reach {
  readonly credentials: Pick<FleetCredentials, 'identityFile' | 'knownHostsFile'>
  /** Where connections that are kept open have their sockets: a short path. */
  readonly controlFolder: string
  readonly clock: Clock
}

export interface Where {
  readonly address: string
  /** Default 22. */
  readonly port?: number
  /** Default root. */
  readonly user?: string
  /** Default 10. */
  readonly connectTimeoutS?: number
}

/** A machine by ssh. */
export function reachBySsh(name: string, where: Where, { credentials, controlFolder }: Reach): Host {
  const { identityFile } = credentials
  const knownHostsFile = credentials.knownHostsFile(name)
  return createSshHost({ name, ...where, identityFile, knownHostsFile, controlFolder })
}

/** A machine of which `find` has to say first where it is, again for each script, since it may move. FLEET_HOST_UNREACHABLE. */
export function reachWhereItIs(name: string, find: () => Promise<Where>, reach: Reach): Host {
  const open = async (): Promise<Host> => reachBySsh(name, await find(), reach)
  return {
    name,
    run: async (script, options) => (await open()).run(script, options),
    async close() {
      try {
        await (await open()).close()
      } catch (error) {
        // What is nowhere has no connection.
        if (!isLarderError(error, 'FLEET_HOST_UNREACHABLE')) throw error
      }
    },
  }
}
