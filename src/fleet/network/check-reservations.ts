import { closest, quote } from '../../core/index.ts'
import { hosts, wrongHost, type AddressedMachine, type CheckedSubnet } from './checked-subnet.ts'

interface Machines {
  machines: readonly AddressedMachine[]
  /** Of all machines, also of those that are wrong in themselves. */
  names: readonly string[]
  /** Of those that Larder does not make: nobody knows their hardware addresses. */
  existing: readonly string[]
}

/** Reservations of a subnet: an address twice would keep Kea from starting, a name that nobody has is a mistake. */
export function checkReservations(
  { config, block, report }: CheckedSubnet,
  { machines, names, existing }: Machines,
): void {
  const owners = { address: new Map<string, string>(), mac: new Map<string, string>() }
  for (const [name, { address, mac }] of Object.entries(config.dhcp?.reservations ?? {})) {
    const at = ['dhcp', 'reservations', name]
    const wrong = wrongHost(block, address)
    if (wrong !== undefined) report([...at, 'address'], wrong, { expected: hosts(block) })
    if (address === config.gateway) {
      report([...at, 'address'], `${address} is the gateway`, { expected: 'another address' })
    }
    for (const [key, value] of Object.entries({ address, mac: mac?.toLowerCase().replaceAll('-', ':') })) {
      if (value === undefined) continue
      const owner = owners[key as 'address' | 'mac'].get(value)
      owners[key as 'address' | 'mac'].set(value, owner ?? name)
      if (owner !== undefined)
        report([...at, key], `${value} is reserved for ${owner} already`, { expected: 'another' })
    }
    const other = machines.find((machine) => machine.address === address && machine.name !== name)
    if (other !== undefined) {
      report([...at, 'address'], `${address} is the address of machine ${other.name}`, { expected: 'another address' })
    }
    const own = machines.find((machine) => machine.name === name)
    if (own !== undefined && own.address !== address && isHere(own)) {
      report([...at, 'address'], `machine ${name} has the address ${own.address}`, { expected: own.address })
    }
    checkName(name, mac)
  }

  function isHere(machine: AddressedMachine): boolean {
    return wrongHost(block, machine.address) === undefined
  }

  function checkName(name: string, mac: string | undefined): void {
    const at = ['dhcp', 'reservations', name]
    if (mac === undefined && existing.includes(name)) {
      report(at, `${name} is there already, and its hardware address is not said`, { expected: 'its mac' })
    }
    if (names.includes(name)) return
    const suggestion = closest(name, names)
    const near = suggestion === undefined ? {} : { suggestion }
    if (mac === undefined) {
      report(at, `there is no machine ${quote(name)}, and no mac is said`, { expected: 'a machine, or mac', ...near })
    } else if (suggestion !== undefined) {
      report(at, `there is no machine ${quote(name)}`, { severity: 'warning', ...near })
    }
  }
}
