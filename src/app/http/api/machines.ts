import { z } from 'zod'
import type { Controller } from '../../controller.ts'
import { failures, guarded, type ApiApp } from './api-app.ts'
import {
  leaseSchema,
  machineDetailSchema,
  machineKeySchema,
  machinePlanSchema,
  machineSchema,
} from './machine-schemas.ts'
import { runSchema } from './schemas.ts'

const params = z.object({ machine: z.string().min(1).max(63) })
const limitBody = z.strictObject({
  machines: z.array(z.string().min(1).max(63)).max(10_000).optional().meta({ description: 'Default: all' }),
})
const trustBody = z.strictObject({ fingerprint: z.string().min(1).max(200) })
const tags = ['machines']

export function addMachineRoutes(app: ApiApp, controller: Controller): void {
  const list = { 200: z.array(machineSchema), ...failures }
  app.get('/machines', { schema: { tags, summary: 'Machines, as they were found last', response: list } }, () =>
    controller.machines(),
  )
  const leases = { 200: z.array(leaseSchema), ...failures }
  app.get('/network/leases', { schema: { tags, summary: 'Addresses that are given now', response: leases } }, () =>
    controller.networkLeases(),
  )
  const recipient = { 200: z.object({ recipient: z.string() }), ...failures }
  app.get(
    '/secrets/recipient',
    { schema: { tags, summary: 'Whom secrets of the site are encrypted for, by age', response: recipient } },
    async () => ({ recipient: await controller.siteRecipient() }),
  )
  const response = { 200: machineDetailSchema, ...failures }
  app.get(
    '/machines/:machine',
    { schema: { tags, summary: 'A machine, and what was wrong with it', params, response } },
    (request) => controller.machine(request.params.machine),
  )
}

/** With the admin token only, which the caller sees to: a plan runs commands on machines, and tells what is on them. */
export function addMachineActions(app: ApiApp, controller: Controller): void {
  const common = { tags, security: guarded }
  const plan = { 200: z.array(machinePlanSchema), ...failures }
  app.post(
    '/machines/plan',
    {
      schema: {
        ...common,
        summary: 'Look at machines and services on them now, and tell what would change',
        body: limitBody,
        response: plan,
      },
    },
    (request) => controller.planMachines(request.body.machines),
  )
  const apply = { 202: runSchema, ...failures }
  app.post(
    '/machines/apply',
    { schema: { ...common, summary: 'Make machines as declared; answers the run', body: limitBody, response: apply } },
    async (request, reply) => reply.status(202).send(await controller.applyMachines(request.body.machines)),
  )
  const key = { 200: machineKeySchema, ...failures }
  app.post(
    '/machines/:machine/key',
    { schema: { ...common, summary: 'The key that a host shows now', params, response: key } },
    (request) => controller.machineKey(request.params.machine),
  )
  app.post(
    '/machines/:machine/trust',
    { schema: { ...common, summary: 'Know a host by its key from now on', params, body: trustBody, response: key } },
    (request) => controller.trustMachine(request.params.machine, request.body.fingerprint),
  )
}
