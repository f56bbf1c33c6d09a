import { InvalidArgumentError, type Command } from 'commander'
import { shortTime } from '../../core/index.ts'
import { describeResources } from '../describe-machine.ts'
import { describePlannedService } from '../describe-service.ts'
import type { MachinePlan } from '../machine-controller.ts'
import type { CommandContext } from './command-context.ts'
import { openShell } from './machine-shell.ts'
import type { Bind } from './program.ts'
import { carryOut } from './run-commands.ts'

export function addMachineCommands(program: Command, bind: Bind): void {
  const machine = program.command('machine').description('machines that Larder brings up and keeps as declared')
  machine.command('ls').description('machines, and how they were found last').action(bind(list))
  machine.command('show').description('a machine, and what was wrong with it').argument('<machine>').action(bind(show))
  machine
    .command('plan')
    .description('look at machines and services on them now, and show what an apply would change')
    .option('--limit <machines>', 'only these, with commas between', parseNames)
    .action(bind(plan))
  machine
    .command('apply')
    .description('make machines as declared')
    .option('--limit <machines>', 'only these, with commas between', parseNames)
    .action(bind(apply))
  machine
    .command('trust')
    .description('know a host by its key from now on')
    .argument('<machine>')
    .option('--fingerprint <fingerprint>', 'the key must be this one; without it, the key is shown')
    .action(bind(trust))
  machine
    .command('shell')
    .description('log in as root')
    .argument('<machine>')
    .argument('[command...]', 'run this in place of a shell')
    .action(bind(openShell))
  const network = program.command('network').description('addresses and names of the site')
  network.command('leases').description('addresses that are given now').action(bind(leases))
  const secret = program.command('secret').description('secrets of the site repository, encrypted by age')
  secret.command('recipient').description('whom they are encrypted for').action(bind(recipient))
}

interface LimitOptions {
  limit?: string[]
}

/** Nobody means none of them: such words come of a variable that is empty. */
function parseNames(text: string): string[] {
  const names = text.split(',').filter((name) => name !== '')
  if (names.length === 0) throw new InvalidArgumentError('Name machines, with commas between.')
  return names
}

async function list({ withController, output }: CommandContext): Promise<undefined> {
  const machines = await withController((client) => client.machines())
  output.data(machines)
  output.table(
    ['MACHINE', 'AT', 'STATE', 'ADDRESS', 'OS', 'CHECKED', 'WHY'],
    machines.map(({ name, place, state, address, os, checkedAt, why, isDeclared }) => [
      name,
      place,
      isDeclared ? state : `${state} (not declared any more)`,
      address ?? '',
      os ?? '',
      shortTime(checkedAt),
      why?.split('\n', 1)[0] ?? '',
    ]),
  )
}

async function show({ withController, output }: CommandContext, name: string): Promise<undefined> {
  const machine = await withController((client) => client.machine(name))
  output.data(machine)
  const { place, state, address, os, why, ok, run } = machine
  output.line(`${name}, ${place}${address === undefined ? '' : ` at ${address}`}${os === undefined ? '' : `, ${os}`}`)
  output.line(`${state}${why === undefined ? '' : `: ${why}`}${run === undefined ? '' : ` (run ${run})`}`)
  output.line(`${ok} resources as declared`)
  if (machine.resources.length === 0) return
  output.line()
  output.table(
    ['RESOURCE', 'OUTCOME', 'WHY'],
    machine.resources.map((one) => [one.id, one.outcome, one.why ?? '']),
  )
}

/** 1 where a machine, or a service on it, could not be looked at: what becomes of it is not known. */
async function plan({ withController, output, where }: CommandContext, options: LimitOptions): Promise<number> {
  const plans = await withController((client) => client.planMachines(options.limit))
  output.data(plans)
  for (const one of plans) for (const line of describe(one)) output.line(line)
  if (plans.length === 0) output.line(`no machine is declared in ${where}`)
  const looks = plans.flatMap((one) => [one, ...one.services])
  return looks.some(({ unreachable }) => unreachable !== undefined) ? 1 : 0
}

/** A machine in a few lines: what becomes of it, and each resource and service that is not as declared. */
function describe({ name, machine, unreachable, waitsFor, ok, resources, services }: MachinePlan): string[] {
  if (unreachable !== undefined) return [`${name}: cannot be reached: ${unreachable}`]
  const whole = machine === undefined ? '' : `${verbs[machine]}; `
  if (waitsFor !== undefined) return [`${name}: ${whole}what is on it is known later: ${waitsFor}`]
  const count = resources.length + services.length
  const changes = count === 0 ? 'nothing to change' : `${count} to change`
  const first = `${name}: ${whole}${changes}, ${ok} as declared`
  return [first, ...describeResources(resources), ...services.flatMap(describePlannedService)]
}

const verbs = { create: 'is made', start: 'is started', replace: 'is made again' }

async function apply(context: CommandContext, options: LimitOptions): Promise<number> {
  return carryOut(context, (client) => client.applyMachines(options.limit))
}

async function trust(
  { withController, output }: CommandContext,
  name: string,
  { fingerprint }: { fingerprint?: string },
): Promise<undefined> {
  const key = await withController((client) =>
    fingerprint === undefined ? client.machineKey(name) : client.trustMachine(name, fingerprint),
  )
  output.data(key)
  if (key.isTrusted) {
    output.line(`${name} is known by ${key.fingerprint}`)
    output.line(`this line of ~/.ssh/authorized_keys of its user lets Larder in there:`)
    output.line(key.authorizedKey)
  } else {
    output.line(`${name} shows ${key.fingerprint}`)
    output.line(`compare it with what the host itself says (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then:`)
    output.line(`larder machine trust ${name} --fingerprint ${key.fingerprint}`)
  }
}

async function recipient({ withController, output }: CommandContext): Promise<undefined> {
  const recipient = await withController((client) => client.siteRecipient())
  output.data({ recipient })
  output.line(recipient)
}

async function leases({ withController, output }: CommandContext): Promise<undefined> {
  const given = await withController((client) => client.networkLeases())
  output.data(given)
  output.table(
    ['ADDRESS', 'MAC', 'NAME', 'RESERVED FOR', 'UNTIL'],
    given.map((one) => [one.address, one.mac, one.hostname, one.reservedFor ?? '', shortTime(one.expiresAt)]),
  )
}
