import { expect, it } from 'vitest'
import { networkCards } from './network-card.ts'
import { qemuArguments, type QemuMachine } from './qemu-command.ts'

const spec = {
  name: 'web-1',
  site: 'campus',
  addresses: [{ network: 'lan', address: '192.168.137.11', prefixLength: 24, gateway: '192.168.137.1' }],
  identity: 'one',
  memoryMiB: 512,
  cpus: 1.5,
}
const machine: QemuMachine = {
  label: 'campus-web-1',
  memoryMiB: 512,
  cpus: 1.5,
  acceleration: 'tcg',
  diskPath: '/data, all/disk.qcow2',
  seedPath: '/data/seed.tar',
  controlSocket: '/data, all/control',
  cards: networkCards(spec, undefined),
  sshPort: 40_022,
}

/** Values of an option, in their order. */
function valuesOf(args: readonly string[], option: string): string[] {
  return args.flatMap((arg, index) => (arg === option ? [args[index + 1] ?? ''] : []))
}

it('gives paths with commas as they are', () => {
  const args = qemuArguments(machine)
  const [disk = '', seed = ''] = valuesOf(args, '-blockdev')
  expect(JSON.parse(disk)).toMatchObject({ driver: 'qcow2', file: { filename: '/data, all/disk.qcow2' } })
  expect(JSON.parse(seed)).toMatchObject({ driver: 'raw', 'read-only': true, file: { filename: '/data/seed.tar' } })
  expect(valuesOf(args, '-chardev')).toContain('socket,id=control,path=/data,, all/control,server=on,wait=off')
})

it('gives whole processors', () => {
  expect(valuesOf(qemuArguments(machine), '-smp')).toEqual(['2'])
})

it.each([
  ['kvm', 'q35,accel=kvm', 'host'],
  ['tcg', 'q35,accel=tcg', 'max'],
] as const)('by %s', (acceleration, type, processor) => {
  const args = qemuArguments({ ...machine, acceleration })
  expect([valuesOf(args, '-machine'), valuesOf(args, '-cpu')]).toEqual([[type], [processor]])
})

it('leads a port of the loopback alone to the sshd of a machine that is in no network of this host', () => {
  const [backend] = valuesOf(qemuArguments(machine), '-netdev')
  expect(backend).toBe(
    'user,id=net0,ipv6=off,net=192.168.137.0/24,host=192.168.137.1,dns=192.168.137.3,dhcpstart=192.168.137.11,' +
      'hostfwd=tcp:127.0.0.1:40022-192.168.137.11:22',
  )
})

it('runs no program for its interface', () => {
  const cards = networkCards(spec, { interfaces: [], bridges: new Set(), nameServers: [] })
  const args = qemuArguments({ ...machine, cards, sshPort: undefined })
  expect(valuesOf(args, '-netdev')).toEqual([
    expect.stringMatching(/^tap,id=net0,ifname=lrt-[0-9a-f]{11},script=no,downscript=no$/),
  ])
  expect(valuesOf(args, '-device')).toContain(`virtio-net-pci,netdev=net0,mac=${cards[0]?.mac},romfile=`)
})
