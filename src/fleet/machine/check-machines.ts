import { quote, type CheckContext, type Problem } from '../../core/index.ts'
import { declaredName } from '../declared-name.ts'
import { isAddress } from '../host/host-key.ts'
import { isMade } from './is-made.ts'
import type { MachineConfig, MachinesConfig } from './machine-schema.ts'
import { machineLevels } from './machine-levels.ts'

type Path = readonly (string | number)[]

/** What the schema cannot see of machines: what they name, and each other. Roles and resources are looked at elsewhere. */
export function checkMachines(machines: MachinesConfig, context: CheckContext): Problem[] {
  const problems: Problem[] = []
  const report = (path: Path, message: string, more: Partial<Problem> = {}): void => {
    const part = path.length === 1 ? 'key' : 'value'
    problems.push({ severity: 'error', message, ...context.positionOf(['machines', ...path], part), ...more })
  }
  for (const [name, machine] of Object.entries(machines)) {
    checkPlace(name, machine, report)
    checkBase(name, machine, context, report)
    checkAfter(name, machine, context, report)
  }
  checkAddresses(machines, report)
  checkHosts(machines, report)
  const cycle = machineLevels(machines).cycle
  if (cycle !== undefined) {
    report([cycle[0] ?? '', 'after'], `machines wait for each other: ${cycle.join(' → ')}`, {
      expected: 'an order in which they can come up',
    })
  }
  const local = Object.keys(machines).filter((name) => machines[name]?.at === 'local')
  for (const name of local.slice(1)) {
    report([name, 'at'], `this host is the machine ${local[0]} already`, { expected: 'one machine at: local' })
  }
  return problems
}

type Report = (path: Path, message: string, more?: Partial<Problem>) => void

function checkPlace(name: string, { at, ssh, address, disk_mb: disk }: MachineConfig, report: Report): void {
  if (at === 'ssh' && ssh === undefined) {
    report([name], `it is not said how ${name} is reached`, { expected: 'ssh: { address: … }' })
  }
  if (ssh !== undefined && !isAddress(ssh.address)) {
    report([name, 'ssh', 'address'], `${quote(ssh.address)} is no address`, { expected: 'an IP address or a DNS name' })
  }
  if (at !== 'ssh' && ssh !== undefined) {
    report([name, 'ssh'], `ssh is for machines at: ssh, and ${name} is at: ${at}`, { expected: 'at: ssh' })
  }
  if (at !== 'vm' && disk !== undefined) {
    report([name, 'disk_mb'], `${name} is at: ${at}, and has the disk that is there`, { expected: 'at: vm' })
  }
  if (!isMade(at) && address !== undefined) {
    report([name, 'address'], `${name} is there already, with an address of its own`, { expected: 'no address' })
  }
}

function checkBase(name: string, { at, base }: MachineConfig, context: CheckContext, report: Report): void {
  if (!isMade(at)) return
  const mirrors = context.declared['mirrors'] ?? []
  if (base === undefined) {
    if (mirrors.length === 1) return
    const expected = mirrors.length === 0 ? 'a mirror in the section mirrors' : `base: one of ${mirrors.join(', ')}`
    report([name], `it is not said which mirror the first packages of ${name} come from`, { expected })
  } else if (!mirrors.includes(base)) {
    report([name, 'base'], `there is no mirror ${JSON.stringify(base)}`, declaredName(base, mirrors))
  }
}

function checkAfter(name: string, { after }: MachineConfig, { declared }: CheckContext, report: Report): void {
  const others = declared['machines'] ?? []
  after.forEach((other, index) => {
    if (others.includes(other)) return
    report([name, 'after', index], `there is no machine ${JSON.stringify(other)}`, declaredName(other, others))
  })
}

function checkAddresses(machines: MachinesConfig, report: Report): void {
  const owners = new Map<string, string>()
  for (const [name, { address }] of Object.entries(machines)) {
    if (address === undefined) continue
    const owner = owners.get(address)
    if (owner === undefined) owners.set(address, name)
    else report([name, 'address'], `${address} is the address of ${owner} already`, { expected: 'another address' })
  }
}

/** Two machines that are one host would undo each other's work. */
function checkHosts(machines: MachinesConfig, report: Report): void {
  const owners = new Map<string, string>()
  for (const [name, { ssh }] of Object.entries(machines)) {
    if (ssh === undefined) continue
    const host = `${ssh.address.toLowerCase()} port ${ssh.port}`
    const owner = owners.get(host)
    if (owner === undefined) owners.set(host, name)
    else report([name, 'ssh', 'address'], `${host} is the machine ${owner} already`, { expected: 'another host' })
  }
}
