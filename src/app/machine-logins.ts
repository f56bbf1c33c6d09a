import type { Clock } from '../core/index.ts'
import type { RegistryLogin } from '../fleet/index.ts'
import type { ControllerConfig } from './config/controller-config.ts'
import { readOrMakeSecrets, type DataFolder } from './data-folder.ts'
import { signMachineLogin } from './http/registry/machine-login.ts'

/** What a machine pulls an image of ours with; undefined where everybody may pull. */
export type MachineLogins = (machine: string, image: string) => Promise<RegistryLogin | undefined>

/** One for each machine and image, made when it is asked for, which ends by itself: nobody has to rotate or take back any. */
export function createMachineLogins(
  clock: Clock,
  { config, dataFolder }: { config: Pick<ControllerConfig, 'registry'>; dataFolder: DataFolder },
): MachineLogins {
  return async (machine, repository) => {
    if (config.registry.anonymousPull) return undefined
    const [tokenKey = ''] = await readOrMakeSecrets(dataFolder.registryTokenKey)
    return signMachineLogin({ machine, repository }, { tokenKey: Buffer.from(tokenKey), clock })
  }
}
