import type { Clock } from '../core/index.ts'
import type { RegistryLogin } from '../fleet/index.ts'
import type { ControllerConfig } from './config/controller-config.ts'
import type { ImagesOptions } from './create-images.ts'
import { readOrMakeSecrets, type DataFolder } from './data-folder.ts'
import { signBuildLogin, signMachineLogin } from './http/registry/signed-login.ts'
import type { TokenRoom } from './http/registry/registry-token.ts'

/** What a machine pulls an image of ours with; undefined where everybody may pull. */
export type MachineLogins = (machine: string, image: string) => Promise<RegistryLogin | undefined>

interface LoginsOptions {
  config: Pick<ControllerConfig, 'registry'>
  dataFolder: DataFolder
}

/** One for each machine and image, made when it is asked for, which ends by itself: nobody has to rotate or take back any. */
export function createMachineLogins(clock: Clock, options: LoginsOptions): MachineLogins {
  return async (machine, repository) => {
    const room = await tokenRoom(clock, options)
    return room && signMachineLogin({ machine, repository }, room)
  }
}

/** One for each build, with which it pulls what it stands on, and nothing else. */
export function createBuildLogins(clock: Clock, options: LoginsOptions): ImagesOptions['buildLogin'] {
  return async (build) => {
    const room = await tokenRoom(clock, options)
    if (room === undefined) return undefined
    const { user, password } = await signBuildLogin(build, room)
    return { username: user, password }
  }
}

/** Undefined where everybody may pull. */
async function tokenRoom(clock: Clock, { config, dataFolder }: LoginsOptions): Promise<TokenRoom | undefined> {
  if (config.registry.anonymousPull) return undefined
  const [tokenKey = ''] = await readOrMakeSecrets(dataFolder.registryTokenKey)
  return { tokenKey: Buffer.from(tokenKey), clock }
}
