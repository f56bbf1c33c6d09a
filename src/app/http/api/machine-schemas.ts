import { z } from 'zod'

const instant = z.iso.datetime()
const count = z.number().int().min(0)

export const machineSchema = z
  .object({
    name: z.string(),
    place: z.enum(['container', 'vm', 'ssh', 'local']),
    state: z
      .enum(['converged', 'changing', 'different', 'failed', 'unreachable', 'new'])
      .meta({ description: 'As it was found last; new: it was never looked at' }),
    address: z.string().optional(),
    os: z.string().optional().meta({ description: 'As in debian 12' }),
    why: z.string().optional().meta({ description: 'Why it is in no good state' }),
    checkedAt: instant.optional(),
    changedAt: instant.optional(),
    isDeclared: z.boolean().meta({ description: 'False for one that is left of an earlier commit' }),
  })
  .meta({ id: 'Machine' })

export const machineDetailSchema = machineSchema
  .extend({
    ssh: z
      .object({ address: z.string(), port: z.number().int(), user: z.string() })
      .optional()
      .meta({ description: 'How a host of place ssh is reached' }),
    run: z.number().int().optional().meta({ description: 'Run that looked at it last' }),
    ok: count.meta({ description: 'Resources that were as declared' }),
    resources: z
      .array(z.object({ id: z.string(), outcome: z.string(), why: z.string().optional() }))
      .meta({ description: 'Resources that were not' }),
  })
  .meta({ id: 'MachineDetail' })

const plannedResourceSchema = z.object({
  id: z.string(),
  state: z.enum(['change', 'maybe']).meta({ description: 'maybe: depends on what is changed before it' }),
  differences: z.array(z.object({ what: z.string(), from: z.string().optional(), to: z.string().optional() })),
  why: z.string().optional(),
})

export const machinePlanSchema = z
  .object({
    name: z.string(),
    machine: z
      .enum(['create', 'start', 'replace'])
      .optional()
      .meta({ description: 'What becomes of the machine itself; absent: it is there' }),
    unreachable: z.string().optional().meta({ description: 'Why it could not be looked at' }),
    waitsFor: z
      .string()
      .optional()
      .meta({ description: 'Why what is on it is known later: what it needs is not there yet' }),
    ok: count.meta({ description: 'Resources that are as declared' }),
    resources: z.array(plannedResourceSchema),
    services: z
      .array(
        z.object({
          service: z.string(),
          summary: z.string().meta({ description: 'What becomes of it, on all of its machines' }),
          unreachable: z.string().optional().meta({ description: 'Why it could not be looked at on this machine' }),
          resources: z.array(plannedResourceSchema).meta({ description: 'What is not as declared on this machine' }),
        }),
      )
      .meta({ description: 'Services on it that are not as declared' }),
  })
  .meta({ id: 'MachinePlan' })

export const leaseSchema = z
  .object({
    address: z.string(),
    mac: z.string(),
    hostname: z.string().meta({ description: 'What the client calls itself' }),
    expiresAt: instant,
    network: z.string().optional(),
    reservedFor: z.string().optional().meta({ description: 'Name that the address is reserved for' }),
  })
  .meta({ id: 'Lease' })

export const machineKeySchema = z
  .object({
    machine: z.string(),
    fingerprint: z.string().meta({ description: 'As ssh-keygen -l prints it' }),
    isTrusted: z.boolean(),
    authorizedKey: z.string().meta({ description: 'The line of authorized_keys by which Larder may log in there' }),
  })
  .meta({ id: 'MachineKey' })
