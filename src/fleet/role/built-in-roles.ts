import { ciClientRole } from './ci-client.ts'
import { postgresqlReplicaRole, postgresqlRole } from './postgresql.ts'
import { dhcpRole, loadBalancerRole } from './server-roles.ts'
import { sharedStorageRole } from './shared-storage.ts'

/**
 * Roles that every site has, in the same words as those of a site: roles/<name>.yaml takes the place of one. By name;
 * docs/fleet.md tells what each is for.
 */
export const builtInRoles: Readonly<Record<string, string>> = {
  'mirror-client': `
description: Packages come from a mirror of this site
variables: { mirror: base, only: true, packages: [], latest: [] }
resources:
  - repository: "{{mirror}}"
    only: "{{only}}"
  - package: "{{packages}}"
  - package: "{{latest}}"
    state: latest
`,
  'ci-client': ciClientRole,
  postgresql: postgresqlRole,
  'postgresql-replica': postgresqlReplicaRole,
  'shared-storage': sharedStorageRole,
  dhcp: dhcpRole,
  'load-balancer': loadBalancerRole,
}
