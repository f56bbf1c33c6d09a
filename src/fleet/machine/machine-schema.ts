import { z } from 'zod'

/** RFC 1123 §2.1: a label of a host's name. */
const machineName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'small letters, digits, and - between them, are a name')

/** A name within a site: of a role, a network. */
const name = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'small letters, digits and - make a name')

const address = z.ipv4('an IPv4 address is needed')

const variables = z
  .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.json())
  .describe('What templates may name, beside machine, machines and network')

const roleUse = z
  .union([name, z.strictObject({ name, variables: variables.default({}) })])
  .describe('The name of a role: built in, or a file roles/<name>.yaml of this repository')

const sshSchema = z
  .strictObject({
    address: z.string().min(1).max(253).describe('Name or address of the host'),
    port: z.int().min(1).max(65_535).default(22).describe('Of sshd'),
    user: z
      .string()
      .regex(/^[a-z_][a-z0-9_-]{0,31}$/)
      .default('root')
      .describe('Who logs in. Others than root use sudo, which must not ask for a password'),
  })
  .describe('at: ssh, how the host is reached')

/** An entry of the section `machines` of larder.yaml. */
export const machineSchema = z
  .strictObject({
    at: z
      .enum(['container', 'vm', 'ssh', 'local'])
      .default('container')
      .describe(
        'container: a machine with systemd in Docker. vm: a virtual machine. ssh: a host that exists. local: this host',
      ),
    ssh: sshSchema.optional(),
    base: name.optional().describe('Mirror that its first packages come from. Default: the only one there is'),
    base_packages: z
      .array(z.string().min(1).max(200))
      .max(500)
      .default([])
      .describe('Packages that it begins with, beside what every machine needs'),
    address: address.optional().describe('In the network of the site. Default: the next that is free'),
    memory_mb: z.int().min(64).max(10_000_000).default(1024).describe('Memory, at: container and vm'),
    cpus: z.number().positive().max(1024).default(1).describe('Processors, at: container and vm; a vm has whole ones'),
    disk_mb: z
      .int()
      .min(256)
      .max(100_000_000)
      .optional()
      .describe('Disk, at: vm; it takes up what is written to it. Default: 8192'),
    roles: z.array(roleUse).max(100).default([]).describe('What it is for, in this order'),
    variables: variables.default({}).describe('In place of what its roles say'),
    resources: z.array(z.unknown()).max(10_000).default([]).describe('What is to be on it, beside its roles'),
    drift: z
      .enum(['heal', 'report'])
      .default('heal')
      .describe('What comes of a machine that is found otherwise than declared: put back at once, or told of'),
    after: z.array(machineName).max(1000).default([]).describe('Machines that have to be ready before'),
  })
  .describe('A host, and what is to be on it')

export type MachineConfig = z.output<typeof machineSchema>

/** The section `machines` of larder.yaml. */
export const machinesSchema = z
  .record(machineName, machineSchema)
  .describe('Machines that Larder brings up and keeps as declared.')

export type MachinesConfig = z.output<typeof machinesSchema>

/** Of the validated sections of a site; none where there is no site. */
export function machinesOf(site: Readonly<Record<string, unknown>> | undefined): MachinesConfig {
  return (site?.['machines'] ?? {}) as MachinesConfig
}
