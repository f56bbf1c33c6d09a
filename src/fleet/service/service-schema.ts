import { z } from 'zod'
import { duration, environmentMap, hostPath, oneLine, siteName, timeout, unitName } from '../resource/grammar.ts'
import { hasOneSource, textSources } from '../resource/types/file.ts'

/** RFC 1123 §2.1; also the name of a container, and of a unit of systemd. */
const serviceName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/, 'small letters, digits and - make the name of a service, at most 40')

const machineName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'small letters, digits, and - between them, are the name of a machine')

const port = z.int().min(1).max(65_535)

const path = z.string().regex(/^\/[!-~]*$/, 'the path of a page is needed, such as /healthz')

const readySchema = z
  .union([
    z.strictObject({
      http: path.describe('Page that answers with 2xx or 3xx'),
      port: port.optional().describe('Default: that of the service'),
    }),
    z.strictObject({ tcp: port.describe('Port that takes connections') }),
    z.strictObject({ command: z.array(oneLine).min(1).max(100).describe('Ends with 0') }),
  ])
  .describe('How it is known that it is of use, on each machine. Default: its port takes connections')

/** RFC 1123 §2.1, RFC 1035 §2.3.4; `*.` stands for all names below. */
const hostName = z
  .string()
  .max(253)
  .regex(
    /^(\*\.)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/,
    'a host name in small letters is needed',
  )

const tlsSchema = z
  .strictObject({
    certificate: siteName
      .optional()
      .describe('Secret of the site: key and certificates, PEM. Default: the authority of Larder certifies `hosts`'),
    redirect_from: port.optional().describe('Port on which http is sent to https'),
  })
  .describe('Clients come by TLS')

const balanceSchema = z
  .strictObject({
    on: z.array(machineName).min(1).max(100).describe('Machines that are load balancers'),
    mode: z.enum(['http', 'tcp']).default('http').describe('tcp: connections are handed on as they are'),
    port: port.optional().describe('Where clients come. Default: 80, with tls 443; mode: tcp, that of the service'),
    hosts: z.array(hostName).max(100).default([]).describe('mode: http. Host names that are its. Default: all'),
    path: path.optional().describe('mode: http. Beginning of the paths that are its. Default: all'),
    tls: tlsSchema.optional(),
    sticky: z.boolean().default(false).describe('mode: http. A client stays at one machine while that is up'),
    response_timeout: timeout.default('60s').describe('mode: http. How long a machine may be silent while it answers'),
    up_timeout: timeout
      .default('60s')
      .describe(
        'How long load balancers may take to find a machine up that is ready, and how long a rollout waits for the others to be up',
      ),
  })
  .describe('How load balancers offer it')

/** An entry of the section `services` of larder.yaml. */
export const serviceSchema = z
  .strictObject({
    image: z.string().min(1).max(255).optional().describe('An image of this site, run by podman'),
    unit: z
      .union([unitName, z.strictObject(textSources).refine(hasOneSource, 'one text is needed: source, template …')])
      .optional()
      .describe('In place of image: a unit of systemd that the machines have, or the text of one'),
    machines: z.array(machineName).min(1).max(1000).describe('Where it runs, in the order in which they are rolled'),
    port: port.describe('On each of its machines; it is told by the variable PORT'),
    command: z.array(oneLine).max(200).default([]).describe('Default: that of the image'),
    environment: environmentMap.describe('Variables. Values are templates: "{{machines.db.address}}"'),
    secrets: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), siteName)
      .default({})
      .describe('Variables that are set to secrets of the site'),
    volumes: z
      .array(z.strictObject({ from: hostPath, to: hostPath, read_only: z.boolean().default(false) }))
      .max(100)
      .default([])
      .describe('Folders of the machine, for a container'),
    user: z
      .string()
      .regex(/^[a-z0-9_][a-z0-9_-]*(?::[a-z0-9_-]+)?$/)
      .optional()
      .describe('Within the container'),
    ready: readySchema.optional(),
    ready_timeout: timeout.default('60s').describe('How long a release may take to be ready; then it is put back'),
    drain: duration.default('30s').describe('How long a machine may go on with what it has begun, before it is rolled'),
    balance: balanceSchema.optional(),
  })
  .superRefine((service, context) => {
    const complain = (key: string, message: string): void => {
      context.addIssue({ code: 'custom', path: [key], message })
    }
    if (service.image === undefined && service.unit === undefined)
      context.addIssue({ code: 'custom', path: [], message: 'what it runs is missing: image, or unit' })
    if (service.unit === undefined) return
    if (service.image !== undefined) complain('unit', 'it runs an image already: one of image and unit is needed')
    if (service.command.length > 0) complain('command', 'the command of a unit stands in its text')
    if (service.volumes.length > 0) complain('volumes', 'volumes are for containers')
    if (service.user !== undefined) complain('user', 'the user of a unit stands in its text')
  })
  .describe('A workload that runs on several machines')

export type ServiceConfig = z.output<typeof serviceSchema>

/** The section `services` of larder.yaml. */
export const servicesSchema = z
  .record(serviceName, serviceSchema)
  .describe('Workloads that run on several machines, and are renewed on one after the other.')

export type ServicesConfig = z.output<typeof servicesSchema>

/** Of the validated sections of a site; none where there is no site. */
export function servicesOf(site: Readonly<Record<string, unknown>> | undefined): ServicesConfig {
  return (site?.['services'] ?? {}) as ServicesConfig
}
