import { parseSiteFile, readSiteFile, type CheckContext, type Path, type Problem } from '../../core/index.ts'
import { balancerConflicts } from '../balancer/balancer-conflicts.ts'
import { statisticsPort } from '../balancer/haproxy-config.ts'
import { declaredName } from '../declared-name.ts'
import { secretNames } from '../secret/secret-names.ts'
import { declaredService, declaredServices } from './declared-service.ts'
import { unitOfService } from './service-entries.ts'
import type { ServiceConfig, ServicesConfig } from './service-schema.ts'
import type { ServiceSpec } from './service-spec.ts'

/** What the schema cannot see of services: the machines, images and certificates that they name, and each other's ports. */
export async function checkServices(services: ServicesConfig, context: CheckContext): Promise<Problem[]> {
  const problems: Problem[] = []
  const report = (path: Path, message: string, more: Partial<Problem> = {}): void => {
    const part = path.length === 1 ? 'key' : 'value'
    problems.push({ severity: 'error', message, ...context.positionOf(['services', ...path], part), ...more })
  }
  const room = { images: await imageNames(context), secrets: await secretNames(context.files), report, context }
  for (const [name, service] of Object.entries(services)) {
    checkMachinesOf(name, service, room)
    checkImage(name, service, room)
    checkCertificate(name, service, room)
    checkBalance(name, service, report)
  }
  const specs = declaredServices(services)
  checkPorts(specs, report)
  checkUnits(services, report)
  for (const { service, message, expected } of balancerConflicts(specs)) {
    report([service, 'balance'], message, { expected })
  }
  return problems
}

type Report = (path: Path, message: string, more?: Partial<Problem>) => void

interface Room {
  /** Undefined: the list cannot be read, which is told elsewhere. */
  images: readonly string[] | undefined
  secrets: readonly string[]
  report: Report
  context: CheckContext
}

function checkMachinesOf(name: string, { machines, balance }: ServiceConfig, { report, context }: Room): void {
  const declared = context.declared['machines'] ?? []
  const checkList = (list: readonly string[], ...path: string[]): void =>
    list.forEach((machine, index) => {
      const at = [name, ...path, index]
      if (!declared.includes(machine)) report(at, `there is no machine "${machine}"`, declaredName(machine, declared))
      else if (list.indexOf(machine) < index) report(at, `${machine} is there twice`, { expected: 'each machine once' })
    })
  checkList(machines, 'machines')
  if (balance !== undefined) checkList(balance.on, 'balance', 'on')
  if (machines.length === 1) {
    report([name, 'machines'], `${name} runs on one machine, and is away while that is rolled`, {
      severity: 'warning',
      expected: 'two machines or more',
    })
  }
}

function checkImage(name: string, { image }: ServiceConfig, { images, report, context }: Room): void {
  if (image === undefined || images === undefined || images.includes(image)) return
  if (context.site['images'] === undefined) {
    report([name, 'image'], `the site has no images, so there is none "${image}"`, { expected: 'a section images' })
  } else report([name, 'image'], `there is no image "${image}"`, declaredName(image, images))
}

function checkCertificate(name: string, { balance }: ServiceConfig, { secrets, report }: Room): void {
  const certificate = balance?.tls?.certificate
  if (certificate === undefined || secrets.includes(certificate)) return
  report([name, 'balance', 'tls', 'certificate'], `there is no secret "${certificate}"`, {
    ...declaredName(certificate, secrets),
    expected: `a file secrets/${certificate}.age`,
  })
}

/** What says nothing to its load balancers, or what they cannot do. */
function checkBalance(name: string, service: ServiceConfig, report: Report): void {
  const { balance } = service
  if (balance === undefined) return
  const { mode, hosts, path, sticky, tls } = balance
  const { port } = declaredService(name, service).balance!
  const at = (...keys: string[]): Path => [name, 'balance', ...keys]
  if (mode === 'http') {
    if (tls?.redirect_from !== port) return
    return report(at('tls', 'redirect_from'), `clients come by TLS to port ${port} themselves`, {
      expected: 'another port, such as 80 beside 443',
    })
  }
  // Names that Larder's own authority certifies are those of `hosts`.
  const isCertified = tls !== undefined && tls.certificate === undefined
  const idle = [
    ...(hosts.length > 0 && !isCertified ? [at('hosts')] : []),
    ...(path === undefined ? [] : [at('path')]),
    ...(sticky ? [at('sticky')] : []),
    ...(tls?.redirect_from === undefined ? [] : [at('tls', 'redirect_from')]),
  ]
  for (const place of idle) {
    const message = `connections are handed on as they are (mode: tcp), and "${place.at(-1)}" does nothing`
    report(place, message, { severity: 'warning', expected: 'mode: http, or nothing here' })
  }
}

/** A port of a machine is one service's: as that which runs there, or as where its balancer listens. */
function checkPorts(services: readonly ServiceSpec[], report: Report): void {
  const owners = new Map<string, string>()
  const balancers = new Set(services.flatMap(({ balance }) => balance?.on ?? []))
  for (const { name, machines, port } of services) {
    const balancer = port === statisticsPort ? machines.find((one) => balancers.has(one)) : undefined
    if (balancer !== undefined) {
      const message = `port ${port} of ${balancer} is where it tells of itself, as a load balancer`
      report([name, 'port'], message, { expected: 'another port' })
    }
    for (const machine of machines) {
      const owner = owners.get(`${machine}:${port}`)
      owners.set(`${machine}:${port}`, owner ?? name)
      if (owner === undefined) continue
      report([name, 'port'], `port ${port} of ${machine} is that of ${owner} already`, { expected: 'another port' })
      break
    }
  }
  for (const { name, balance } of services) {
    if (balance === undefined) continue
    for (const port of [balance.port, balance.tls?.redirectFrom ?? []].flat()) {
      const machine = balance.on.find((one) => owners.has(`${one}:${port}`))
      if (machine === undefined) continue
      const owner = owners.get(`${machine}:${port}`)
      const message = `port ${port} of ${machine}, where clients come, is what ${owner} listens on`
      report([name, 'balance'], message, { expected: 'another port' })
    }
  }
}

/** A unit of a machine runs one service: it has the variables of that. */
function checkUnits(services: ServicesConfig, report: Report): void {
  const owners = new Map<string, string>()
  for (const [name, service] of Object.entries(services)) {
    const unit = unitOfService(name, service)
    const taken = service.machines.find((machine) => owners.has(`${machine}:${unit}`))
    if (taken !== undefined) {
      const owner = owners.get(`${taken}:${unit}`)
      const at = service.unit === undefined ? [name] : [name, 'unit']
      report(at, `${unit} of ${taken} runs ${owner} already`, { expected: 'a unit for each service' })
    }
    for (const machine of service.machines) owners.set(`${machine}:${unit}`, name)
  }
}

/** Names of the containers of images.json, whatever else is wrong in it. */
async function imageNames({ site, files }: CheckContext): Promise<string[] | undefined> {
  const images = site['images'] as { list: string } | undefined
  if (images === undefined) return []
  const read = await readSiteFile(files, images.list)
  if ('fault' in read) return undefined
  const list: unknown = parseSiteFile(read.bytes, images.list).document?.value
  if (!Array.isArray(list)) return undefined
  return list.flatMap((entry: unknown) => {
    const { service_name: name, type } = (entry ?? {}) as Record<string, unknown>
    return typeof name === 'string' && type !== 'AMI' ? [name] : []
  })
}
