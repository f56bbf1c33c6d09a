import { z } from 'zod'

const instant = z.iso.datetime()
const state = z.enum(['ready', 'changing', 'failed', 'new'])

export const serviceSchema = z
  .object({
    name: z.string(),
    state: state.meta({ description: 'The worst of its machines; new: no run has come to it yet' }),
    image: z.string().optional(),
    versions: z.array(z.string()).meta({ description: 'Versions of its image that run, without doubles' }),
    machines: z.array(z.string()),
    isDeclared: z.boolean().meta({ description: 'False for one that is left of an earlier commit' }),
  })
  .meta({ id: 'Service' })

const onMachineSchema = z.object({
  machine: z.string(),
  state,
  version: z.string().optional(),
  reference: z.string().optional().meta({ description: 'Of its image, with digest' }),
  why: z.string().optional().meta({ description: 'Why it is in no good state' }),
  run: z.number().int().optional().meta({ description: 'Run that was at it last' }),
  checkedAt: instant.optional(),
  changedAt: instant.optional(),
})

const count = z.number().int().min(0)

const statisticsSchema = z
  .object({
    requests: count.meta({ description: 'Requests, and with mode: tcp connections, that it was given' }),
    failures: count.meta({ description: 'Connections that it did not take, and answers that it broke off' }),
    serverErrors: count.meta({ description: 'Answers of the codes 500 to 599' }),
    bytesFromClients: count,
    bytesToClients: count,
    requestsPerSecond: count.meta({ description: 'In the last second' }),
    responseMs: count.meta({ description: 'Until it began to answer, on average of the last 1024 requests' }),
    downS: count.meta({ description: 'Seconds for which its health check has found it down' }),
  })
  .meta({ description: 'Since the load balancer was reloaded, with what it has still under way from before' })

const balancerSchema = z.object({
  machine: z.string(),
  away: z.string().optional().meta({ description: 'Why it says nothing' }),
  servers: z.array(
    z.object({
      machine: z.string(),
      state: z
        .enum(['up', 'down', 'draining', 'maintenance'])
        .meta({ description: 'maintenance: somebody took it away by hand' }),
      sessions: z.number().int().min(0).meta({ description: 'Requests and connections that are under way' }),
      why: z.string().optional().meta({ description: 'What its health check found' }),
      statistics: statisticsSchema,
    }),
  ),
})

export const serviceDetailSchema = serviceSchema
  .extend({
    onMachines: z.array(onMachineSchema).meta({ description: 'In the order in which they are rolled' }),
    balancers: z.array(balancerSchema).meta({ description: 'What its load balancers say now' }),
  })
  .meta({ id: 'ServiceDetail' })
