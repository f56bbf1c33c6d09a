import type { KindGrammar } from '../../core/index.ts'
import { checkMachines } from './check-machines.ts'
import { checkMachineResources } from './machine-resources.ts'
import { roleSchema } from '../role/role-schema.ts'
import { machinesSchema, type MachinesConfig } from './machine-schema.ts'

/** What the files of a site may say of machines, with nothing opened. */
export function machineGrammar(): KindGrammar<MachinesConfig> {
  return {
    section: 'machines',
    schema: machinesSchema,
    check: async (desired, context) => [
      ...checkMachines(desired, context),
      ...(await checkMachineResources(desired, context)),
    ],
    fileSchemas: { 'roles/<name>.yaml': roleSchema },
  }
}
