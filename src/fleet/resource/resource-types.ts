import type { AnyResourceType } from './resource-type.ts'
import { archiveType } from './types/archive.ts'
import { authorityType } from './types/authority.ts'
import { commandType } from './types/command.ts'
import { containerType } from './types/container.ts'
import { directoryType } from './types/directory.ts'
import { fileType } from './types/file.ts'
import { gitCheckoutType } from './types/git-checkout.ts'
import { groupType } from './types/group.ts'
import { hostEntryType } from './types/host-entry.ts'
import { linkType } from './types/link.ts'
import { mountType } from './types/mount.ts'
import { npmPackageType } from './types/npm-package.ts'
import { packageType } from './types/package.ts'
import { pipPackageType } from './types/pip-package.ts'
import { repositoryType } from './types/repository.ts'
import { serviceType } from './types/service.ts'
import { sshKeyType } from './types/ssh-key.ts'
import { sysctlType } from './types/sysctl.ts'
import { timerType } from './types/timer.ts'
import { unitType } from './types/unit.ts'
import { userType } from './types/user.ts'

/** Everything that can be declared on a machine, in the order of the reference. */
export const resourceTypes: readonly AnyResourceType[] = [
  packageType,
  repositoryType,
  fileType,
  directoryType,
  linkType,
  archiveType,
  gitCheckoutType,
  userType,
  groupType,
  sshKeyType,
  hostEntryType,
  sysctlType,
  mountType,
  unitType,
  serviceType,
  timerType,
  authorityType,
  containerType,
  commandType,
  npmPackageType,
  pipPackageType,
]

const byName = new Map(resourceTypes.map((type) => [type.name, type]))

export function resourceTypeOf(name: string): AnyResourceType | undefined {
  return byName.get(name)
}
