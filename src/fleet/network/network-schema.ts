import { z } from 'zod'
import { addressNumber, parseBlock } from './address.ts'

/** RFC 1123 §2.1: a label of a host's name. */
const label = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'small letters, digits and - between them make a name')

const address = z
  .string()
  .refine((text) => addressNumber(text) !== undefined, 'an IPv4 address such as 192.168.137.1 is needed')

const block = z
  .string()
  .refine((text) => parseBlock(text) !== undefined, 'a subnet such as 192.168.137.0/24 is needed')
  .describe('Addresses of the network: 192.168.137.0/24')

/** Linux: IFNAMSIZ − 1 characters, none of them `/`, `:` or space; here only what no configuration file takes amiss. */
const interfaceName = z
  .string()
  .regex(/^(?!\.{1,2}$)[a-zA-Z0-9][a-zA-Z0-9_.-]{0,14}$/, 'the name of a network interface is needed')

const domain = z
  .string()
  .max(200)
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/, 'a domain is needed')

const duration = z
  .string()
  .regex(/^[1-9][0-9]{0,5}[smhd]$/, { message: 'a time such as 30m, 1h or 7d is needed', abort: true })
  .refine((text) => isBetween(durationSeconds(text), 60, 366 * 86_400), 'from 60s to 366d')

const reservation = z
  .strictObject({
    mac: z
      .string()
      .regex(/^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$/, 'a hardware address such as 52:54:00:12:34:56 is needed')
      .optional()
      .describe('Hardware address. Default, for machines of this site: the one that Larder gives them'),
    address: address.describe('That it always gets'),
  })
  .describe('The address of a machine, or of anything else that asks for one')

const dhcpSchema = z
  .strictObject({
    server: z.enum(['kea', 'dnsmasq']).default('kea').describe('What hands out addresses; one for all subnets'),
    range: z.tuple([address, address]).describe('First and last address that are handed out'),
    lease: duration.default('1h').describe('How long an address is given for'),
    reservations: z.record(label, reservation).default({}).describe('By name of machine, or any name'),
    ntp: z.array(address).max(8).default([]).describe('Time servers that clients are told'),
    allowOther: z.boolean().default(false).describe('Start although another DHCP server answers in this network'),
  })
  .describe('Addresses are handed out here')

const dnsSchema = z
  .union([
    z.literal(false),
    z.array(address).min(1).max(8),
    z.strictObject({
      forward: z
        .union([z.literal(false), z.array(address).min(1).max(8)])
        .optional()
        .describe('Who is asked for names outside of the site; false: nobody. Default: whom this host asks'),
    }),
  ])
  .optional()
  .describe('A list: name servers that clients are told. Default, with dhcp: Larder answers; false: none')

const shape = {
  subnet: block,
  gateway: address.describe('Where clients send what is not for this network'),
  dns: dnsSchema,
  domain: domain.optional().describe('Of names in this network. Default: <site>.internal'),
  interface: interfaceName.optional().describe('Of this host. Default: the one that has an address in the subnet'),
  bridge: interfaceName
    .optional()
    .describe('In place of interface: Larder makes this bridge, with the gateway address'),
  dhcp: dhcpSchema.optional(),
}

const subnetSchema = z.strictObject(shape).describe('A network')

/** The section `network` of larder.yaml: one network, or several with names. */
export const networkSchema = z
  .strictObject({
    ...shape,
    subnet: shape.subnet.optional(),
    gateway: shape.gateway.optional(),
    subnets: z.record(label, subnetSchema).optional().describe('In place of all others: several networks by name'),
  })
  .superRefine((network, context) => {
    const own = Object.keys(network).filter((key) => key !== 'subnets')
    const complain = (path: string[], message: string): void => {
      context.addIssue({ code: 'custom', path, message })
    }
    if (network.subnets === undefined) {
      if (network.subnet === undefined) complain([], 'it has neither subnet nor subnets')
      else if (network.gateway === undefined) complain([], 'its gateway is missing')
    } else if (own[0] !== undefined) complain([own[0]], 'where there are subnets, this belongs into one of them')
  })
  .describe('Networks of the site: addresses, names, and who hands them out.')

export type NetworkConfig = z.output<typeof networkSchema>
export type SubnetConfig = z.output<typeof subnetSchema>

const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** `1h` → 3600 */
export function durationSeconds(text: string): number {
  return Number(text.slice(0, -1)) * (secondsOf[text.slice(-1)] ?? 1)
}

function isBetween(value: number, least: number, most: number): boolean {
  return value >= least && value <= most
}
