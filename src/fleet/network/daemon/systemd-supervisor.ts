import { digestOf, hexOf, LarderError } from '../../../core/index.ts'
import { confinement } from './confine.ts'
import { needProgram, runProgram } from './program.ts'
import type { Daemon, Supervisor, SupervisorRoom } from './supervisor.ts'

/**
 * Transient units, `larder-dhcp-<which data folder>`: systemd starts again what dies, and they are no part of the unit of the controller.
 * Sources: systemd-run(1), systemd.service(5), systemd.exec(5).
 */
export function createSystemdSupervisor(room: SupervisorRoom): Supervisor {
  // A host may have several controllers, each with a data folder.
  const site = hexOf(digestOf(room.folder)).slice(0, 8)
  const unitOf = ({ name }: Daemon): string => `larder-${name}-${site}.service`
  const systemctl = async (...args: string[]): Promise<string> =>
    (await runProgram(await needProgram('systemctl', 'systemd'), args)).stdout
  return {
    async pidOf(daemon) {
      const pid = Number(await systemctl('show', '--property=MainPID', '--value', unitOf(daemon)))
      return Number.isInteger(pid) && pid > 0 ? pid : undefined
    },
    async start(daemon) {
      // One that has failed keeps its name.
      await systemctl('reset-failed', unitOf(daemon))
      await systemctl('stop', unitOf(daemon))
      const answer = await runProgram(await needProgram('systemd-run', 'systemd'), [
        ...unitArguments(daemon, room, unitOf(daemon)),
        '--',
        ...(await confinement()),
        daemon.path,
        ...daemon.args,
      ])
      if (answer.code === 0) return
      throw new LarderError('FLEET_NETWORK_SERVER_FAILED', {
        message: `systemd does not start ${unitOf(daemon)}: ${answer.said.trim()}`,
      })
    },
    async stop(daemon) {
      await systemctl('stop', unitOf(daemon))
    },
    async lastLines(daemon) {
      const journal = await needProgram('journalctl', 'systemd')
      const { stdout } = await runProgram(journal, ['--no-pager', '-o', 'cat', '-n', '10', '-u', unitOf(daemon)])
      return stdout.trimEnd().split('\n')
    },
  }
}

function unitArguments(
  { environment, name, staleFiles }: Daemon,
  { folder, namespace }: SupervisorRoom,
  unit: string,
): string[] {
  const properties = [
    'Restart=always',
    'RestartSec=1',
    'TimeoutStopSec=5',
    'ProtectSystem=strict',
    'ProtectHome=read-only',
    `ReadWritePaths=${folder}`,
    ...staleFiles.map((path) => `ExecStartPre=-/bin/rm -f -- "${path}"`),
    ...(namespace === undefined ? [] : [`NetworkNamespacePath=/run/netns/${namespace}`]),
  ]
  return [
    '--quiet',
    '--collect',
    `--unit=${unit}`,
    `--description=Larder: ${name} for ${folder}`,
    ...properties.map((property) => `--property=${property}`),
    ...Object.entries(environment).map(([key, value]) => `--setenv=${key}=${value}`),
  ]
}
