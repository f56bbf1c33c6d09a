import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { MachineSpec } from '../place.ts'
import { containerLabels, containerName } from './container-report.ts'
import type { ContainerEngine } from './engine.ts'
import { restartPolicy } from './start-with-host.ts'

/**
 * What becomes the first process. Its cgroups are mounted read-only by engines that know nothing of systemd; and so are
 * settings of the kernel, of which those of the network are its own.
 */
const init = [
  '/bin/sh',
  '-c',
  `if grep -q " /sys/fs/cgroup cgroup2 ro" /proc/mounts; then mount -o remount,rw /sys/fs/cgroup; fi
mount --bind /proc/sys/net /proc/sys/net && mount -o remount,bind,rw /proc/sys/net
exec /sbin/init`,
]

/** What systemd as the first process needs. Source: systemd, "The Container Interface"; docker create, reference. */
const forSystemd = [
  ...['--cap-add', 'SYS_ADMIN', '--cap-add', 'NET_ADMIN'],
  ...['--security-opt', 'seccomp=unconfined', '--security-opt', 'apparmor=unconfined'],
  '--cgroupns=private',
  ...['--tmpfs', '/run:rw,nosuid,nodev,exec,mode=755', '--tmpfs', '/tmp:rw,nosuid,nodev,exec,mode=1777'],
  ...['--env', 'container=docker'],
  // systemd(1), SIGNALS: it halts the machine.
  ...['--stop-signal', 'SIGRTMIN+3', '--stop-timeout', '30'],
]

/**
 * Makes the container of a machine at its first network, and does not start it. One that was stopped by nobody comes up
 * again with the engine. There is nothing to limit its disk with: it has that of the engine.
 */
export async function createContainer(
  engine: ContainerEngine,
  machine: MachineSpec,
  room: { image: string; network: string; signal: AbortSignal },
): Promise<void> {
  const { name, addresses, memoryMiB, cpus } = machine
  const fixed = addresses[0] === undefined ? [] : ['--ip', addresses[0].address]
  const names = addresses[0]?.names
  const servers = (names?.servers ?? []).flatMap((server) => ['--dns', server])
  const lookup = names === undefined ? [] : [...servers, '--dns-search', names.domain]
  const limits = ['--memory', `${memoryMiB}m`, '--cpus', String(Math.min(cpus, availableParallelism()))]
  // Machines of services run containers of their own, whose file systems need it.
  const devices = existsSync('/dev/fuse') ? ['--device', '/dev/fuse'] : []
  const args = [
    'create',
    ...['--name', containerName(machine), '--hostname', name, ...containerLabels(machine)],
    ...['--network', room.network, '--network-alias', name, ...fixed, ...lookup],
    ...['--restart', restartPolicy(engine), '--pull', 'never', ...limits, ...devices, ...forSystemd],
    ...(engine.name === 'podman' ? ['--systemd=always'] : []),
    room.image,
    ...init,
  ]
  await engine.require(args, { signal: room.signal, failure: `${name} could not be made` })
}
