import { parseSiteFile, readSiteFile, type CheckContext, type Path, type Problem } from '../../core/index.ts'
import { balancerConflicts } from '../balancer/balancer-conflicts.ts'
import { declaredName } from '../declared-name.ts'
import { secretNames } from '../secret/secret-names.ts'
import { declaredServices } from './declared-service.ts'
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
  }
  const specs = declaredServices(services)
  checkPorts(specs, report)
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

/** A port of a machine is one service's: as that which runs there, or as where its balancer listens. */
function checkPorts(services: readonly ServiceSpec[], report: Report): void {
  const owners = new Map<string, string>()
  for (const { name, machines, port } of services) {
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
