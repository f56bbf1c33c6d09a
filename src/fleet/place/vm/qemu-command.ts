import { processorArguments, type Acceleration } from './acceleration.ts'
import { seedSerial } from './base-files.ts'
import type { NetworkCard } from './network-card.ts'

export interface QemuMachine {
  /** For lists of processes. */
  readonly label: string
  readonly memoryMiB: number
  readonly cpus: number
  readonly acceleration: Acceleration
  /** qcow2; what it is laid over is written in it. */
  readonly diskPath: string
  readonly seedPath: string
  /** Where it listens for QMP: unix(7), 107 bytes at most. */
  readonly controlSocket: string
  readonly cards: readonly NetworkCard[]
  /** Of this host's loopback, led to sshd of a machine that is in no network of this host. */
  readonly sshPort: number | undefined
}

/** Of the last that a machine said on its serial console. */
export const consoleBytes = 65_536
export const consoleName = 'console'

/**
 * Pure. A machine that has switched itself off stays as a process that does nothing, so that its console can be read.
 * Paths are in JSON, since in QEMU's own form a comma ends them. Source: qemu(1).
 */
export function qemuArguments(machine: QemuMachine): string[] {
  const { label, memoryMiB, cpus, acceleration, controlSocket } = machine
  return [
    ...['-name', `larder-${label}`, '-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    ...processorArguments(acceleration),
    ...['-m', String(memoryMiB), '-smp', String(Math.ceil(cpus))],
    ...['-action', 'shutdown=pause', '-device', 'virtio-rng-pci'],
    ...disk('disk', machine.diskPath, { driver: 'qcow2' }),
    ...disk('seed', machine.seedPath, { driver: 'raw', 'read-only': true }, `,serial=${seedSerial}`),
    ...machine.cards.flatMap((card, index) => network(card, index, machine.sshPort)),
    ...['-chardev', `ringbuf,id=${consoleName},size=${consoleBytes}`, '-serial', `chardev:${consoleName}`],
    ...['-chardev', `socket,id=control,path=${controlSocket.replaceAll(',', ',,')},server=on,wait=off`],
    ...['-mon', 'chardev=control,mode=control'],
  ]
}

function disk(id: string, path: string, format: Readonly<Record<string, unknown>>, more = ''): string[] {
  const node = { 'node-name': id, ...format, discard: 'unmap', file: { driver: 'file', filename: path } }
  return ['-blockdev', JSON.stringify(node), '-device', `virtio-blk-pci,drive=${id}${more}`]
}

function network({ mac, address, gateway, end }: NetworkCard, index: number, sshPort: number | undefined): string[] {
  const id = `net${index}`
  const forward = index === 0 && sshPort !== undefined ? `,hostfwd=tcp:127.0.0.1:${sshPort}-${address}:22` : ''
  const backend =
    end.kind === 'tap'
      ? `tap,id=${id},ifname=${end.tap},script=no,downscript=no`
      : `user,id=${id},ipv6=off,net=${end.subnet},host=${gateway},dns=${end.nameServer},dhcpstart=${address}${forward}`
  return ['-netdev', backend, '-device', `virtio-net-pci,netdev=${id},mac=${mac},romfile=`]
}
