import type { Command } from 'commander'
import { shortTime } from '../../core/index.ts'
import type { CommandContext } from './command-context.ts'
import type { Bind } from './program.ts'
import { carryOut } from './run-commands.ts'

/** Services of the site: workloads on its machines. */
export function addSiteServiceCommands(program: Command, bind: Bind): void {
  const service = program.command('service').description('workloads that run on several machines')
  service.command('ls').description('services, and how they were found last').action(bind(list))
  service
    .command('show')
    .description('a service on each of its machines, and what its load balancers say now')
    .argument('<service>')
    .action(bind(show))
  service
    .command('restart')
    .description('begin a service anew, on one machine after the other')
    .argument('<service>')
    .action(bind(restart))
}

async function list({ withController, output }: CommandContext): Promise<undefined> {
  const services = await withController((client) => client.services())
  output.data(services)
  output.table(
    ['SERVICE', 'STATE', 'IMAGE', 'VERSION', 'MACHINES'],
    services.map(({ name, state, image, versions, machines, isDeclared }) => [
      name,
      isDeclared ? state : `${state} (not declared any more)`,
      image ?? '',
      versions.join(', '),
      machines.join(', '),
    ]),
  )
}

async function show({ withController, output }: CommandContext, name: string): Promise<undefined> {
  const service = await withController((client) => client.service(name))
  output.data(service)
  output.line(`${name}${service.image === undefined ? '' : `, of the image ${service.image}`}: ${service.state}`)
  output.line()
  output.table(
    ['MACHINE', 'STATE', 'VERSION', 'CHANGED', 'RUN', 'WHY'],
    service.onMachines.map(({ machine, state, version, changedAt, run, why }) => [
      machine,
      state,
      version ?? '',
      shortTime(changedAt),
      run === undefined ? '' : String(run),
      why?.split('\n', 1)[0] ?? '',
    ]),
  )
  for (const { machine, away, servers } of service.balancers) {
    output.line()
    output.line(`load balancer ${machine}${away === undefined ? '' : `: ${away}`}`)
    if (servers.length === 0) continue
    output.table(
      ['SERVER', 'STATE', 'SESSIONS', 'REQUESTS', 'FAILED', '5XX', 'WHY'],
      servers.map(({ machine: server, state, sessions, statistics: { requests, failures, serverErrors }, why }) => [
        ...[server, state],
        ...[sessions, requests, failures, serverErrors].map(String),
        why ?? '',
      ]),
    )
  }
}

async function restart(context: CommandContext, name: string): Promise<number> {
  return carryOut(context, (client) => client.restartService(name))
}
