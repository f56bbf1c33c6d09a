import {
  closest,
  parseSiteFile,
  problemAt,
  subDocument,
  ownValue,
  type CheckContext,
  type Problem,
  type SiteFiles,
  type SourceDocument,
} from '../../core/index.ts'
import { balancerResources, type BalancerResources } from '../balancer/balancer-resources.ts'
import { checkResources } from '../resource/check-resources.ts'
import { parseResources, type DeclaredResource } from '../resource/parse-resources.ts'
import { resolveResources, type PlacedResource } from '../resource/resolve-resources.ts'
import type { ResolveRoom, Resource } from '../resource/resource-type.ts'
import { readRole, roleNames, type Role } from '../role/role.ts'
import { secretNames } from '../secret/secret-names.ts'
import { declaredServices } from '../service/declared-service.ts'
import { servicesOf } from '../service/service-schema.ts'
import type { ServiceSpec } from '../service/service-spec.ts'
import type { MachineConfig, MachinesConfig } from './machine-schema.ts'
import { roleVariableProblems } from './role-variables.ts'

/** First names that templates may use everywhere. */
const commonVariables = ['machine', 'machines', 'site']

/** Everything that is wrong with roles, and with the resources of machines, each at its place. */
export async function checkMachineResources(machines: MachinesConfig, context: CheckContext): Promise<Problem[]> {
  const names = await roleNames(context.files)
  const secrets = await secretNames(context.files)
  const mirrors = context.declared['mirrors'] ?? []
  const services = declaredServices(servicesOf(context.site))
  const room = { files: context.files, services, addressOf: () => anyAddress }
  const checked = Object.entries(machines).map(async ([name, config]) => {
    const document = context.documentAt(['machines', name])
    const unknown = config.roles.flatMap((use, index) => unknownRole(roleOf(use), index, { document, names }))
    const { groups, problems, rivals } = await declaredOn({ name, config, document }, room)
    if (rivals.length > 0) return [...unknown, ...problems, ...rivals]
    const all = groups.flatMap(({ resources }) => resources)
    const variables = [...commonVariables, ...groups.flatMap((group) => Object.keys(group.variables))]
    // What is wrong in itself is not among them, and may be what others name.
    const others = problems.length === 0 && unknown.length === 0 ? { others: [] } : {}
    const certified = groups.flatMap((group) => [...group.certified.keys()])
    const values = new Map(groups.flatMap((group) => group.resources.map((one) => [one, group.variables] as const)))
    const check = { files: context.files, variables, values, secrets: [...secrets, ...certified], mirrors, ...others }
    return [...unknown, ...problems, ...(await checkResources(all, check))]
  })
  return (await Promise.all(checked)).flat()
}

/** RFC 5737: the addresses of machines are none of what is checked. */
const anyAddress = '192.0.2.1'

/**
 * What is declared on one machine, by its roles, by services that it is a load balancer of, and by itself.
 * FLEET_RESOURCE_INVALID and what resources throw.
 */
export async function resolveMachineResources(
  { name, config, services, certify }: MachineToResolve,
  room: ResolveRoom,
): Promise<Resource[]> {
  const document = subDocument(await siteDocument(room.files), ['machines', name])
  const addressOf = (machine: string): string => addressIn(room.variables, machine)
  const { groups } = await declaredOn({ name, config, document }, { files: room.files, services, addressOf })
  const placed = groups.flatMap(({ resources, variables, certified }): PlacedResource[] => {
    const secret = async (asked: string): Promise<string> => {
      const names = certified.get(asked)
      return names === undefined ? room.secret(asked) : certify(names)
    }
    const own = { ...room, secret, variables: { ...room.variables, ...variables } }
    return resources.map((resource) => ({ resource, room: own }))
  })
  return resolveResources(placed)
}

const siteDocuments = new WeakMap<SiteFiles, Promise<SourceDocument>>()

/** larder.yaml, which was found valid before; parsed once for all machines. */
function siteDocument(files: SiteFiles): Promise<SourceDocument> {
  const known = siteDocuments.get(files)
  if (known !== undefined) return known
  const parsed = files.read('larder.yaml').then((bytes) => {
    const { document } = parseSiteFile(bytes ?? Buffer.alloc(0), 'larder.yaml')
    if (document === undefined) throw new Error('larder.yaml was valid and cannot be read')
    return document
  })
  siteDocuments.set(files, parsed)
  return parsed
}

export interface MachineToResolve {
  name: string
  config: MachineConfig
  /** All of the site. */
  services: readonly ServiceSpec[]
  certify: Certify
}

/** Certificate and key for names and addresses, PEM; kept, and made anew before its end. */
export type Certify = (names: readonly string[]) => Promise<string>

const nothingCertified: BalancerResources['certified'] = new Map()

interface ResourceGroup {
  resources: readonly DeclaredResource[]
  /** Of the role, with what the machine says of them. */
  variables: Readonly<Record<string, unknown>>
  certified: BalancerResources['certified']
}

/** What a load balancer is made of. */
interface BalancerRoom {
  files: SiteFiles
  services: readonly ServiceSpec[]
  /** '' for a machine that has none. */
  addressOf: (machine: string) => string
}

async function declaredOn(
  machine: { name: string; config: MachineConfig; document: SourceDocument },
  { files, services, addressOf }: BalancerRoom,
): Promise<{ groups: ResourceGroup[]; problems: Problem[]; rivals: Problem[] }> {
  const { name, config, document } = machine
  const { roles, variables } = config
  const read = await Promise.all(
    roles.map((use) =>
      readRole(files, roleOf(use), { ...variables, ...(typeof use === 'string' ? {} : use.variables) }),
    ),
  )
  const own = parseResources(listOf(document))
  const ofRoles = read.flatMap(({ role }) => (role === undefined ? [] : [role]))
  const ofVariables = roles.flatMap((use, index) => roleVariableProblems(use, read[index]?.role, { document, index }))
  const problems = [...ofVariables, ...read.flatMap((one) => one.problems), ...own.problems]
  const offered = services.filter(({ balance }) => balance?.on.includes(name) === true)
  const isBalancer = offered.length > 0 || ofRoles.some(isGenerated)
  const balancer = isBalancer ? [balancerGroup(balancerResources(name, services, addressOf))] : []
  const groups = ofRoles.filter((role) => !isGenerated(role)).map((role) => ({ ...role, certified: nothingCertified }))
  const itsOwn = { resources: own.resources, variables, certified: nothingCertified }
  return { groups: [...groups, ...balancer, itsOwn], problems, rivals: rivalsOf(ofRoles, offered, machine) }
}

/** A configuration of one's own, where services have one made. */
function rivalsOf(
  roles: readonly Role[],
  offered: readonly ServiceSpec[],
  { name, config, document }: { name: string; config: MachineConfig; document: SourceDocument },
): Problem[] {
  if (offered.length === 0 || !roles.some((role) => isBalancerRole(role) && !isGenerated(role))) return []
  const at = config.roles.findIndex((use) => roleOf(use) === 'load-balancer')
  const services = offered.map((service) => service.name).join(', ')
  const message = `${name} is the load balancer of ${services}, and is given a configuration of HAProxy besides`
  return [
    problemAt(document, ['roles', at], {
      message,
      expected: 'the role without `config`, or services that name another machine',
    }),
  ]
}

/** The load balancer of the services of the site, where nobody has handed in a configuration. */
function isGenerated(role: Role): boolean {
  return isBalancerRole(role) && role.variables['config'] === ''
}

function isBalancerRole({ name, isBuiltIn }: Role): boolean {
  return name === 'load-balancer' && isBuiltIn
}

function balancerGroup({ entries, certified }: BalancerResources): ResourceGroup {
  const { document } = parseSiteFile(Buffer.from(JSON.stringify(entries)), 'role:load-balancer.yaml')
  return { resources: document === undefined ? [] : parseResources(document).resources, variables: {}, certified }
}

function addressIn(variables: Readonly<Record<string, unknown>>, machine: string): string {
  const machines = variables['machines'] as Readonly<Record<string, { address: string }>>
  return ownValue(machines, machine)?.address ?? ''
}

function roleOf(use: MachineConfig['roles'][number]): string {
  return typeof use === 'string' ? use : use.name
}

/** A machine need not have resources of its own. */
function listOf(document: SourceDocument): SourceDocument {
  const list = subDocument(document, ['resources'])
  return list.value === undefined ? { ...list, value: [] } : list
}

function unknownRole(
  name: string,
  index: number,
  { document, names }: { document: SourceDocument; names: readonly string[] },
): Problem[] {
  if (names.includes(name)) return []
  const suggestion = closest(name, names)
  const message = `there is no role ${JSON.stringify(name)}`
  const expected = `a file roles/${name}.yaml, or a role that is built in`
  return [
    problemAt(document, ['roles', index], { message, expected, ...(suggestion === undefined ? {} : { suggestion }) }),
  ]
}
