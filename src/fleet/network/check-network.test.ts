import { describe, expect, it } from 'vitest'
import { formatProblem, parseYaml, subDocument, validate, type CheckContext } from '../../core/index.ts'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { networkGrammar } from './network-grammar.ts'

const grammar = networkGrammar()

async function check(network: string, machines = '{}'): Promise<string[]> {
  const document = parseYaml(`machines: ${machines}\nnetwork: ${network}\n`, 'larder.yaml').document!
  const value = document.value as { machines: Record<string, { address?: string }> }
  const result = validate(grammar.schema, subDocument(document, ['network']))
  const context: CheckContext = {
    files: memoryFiles({}),
    site: { machines: value.machines },
    declared: { machines: Object.keys(value.machines) },
    wrong: {},
    documentAt: (path) => subDocument(document, path),
    positionOf: (path, part) => ({ file: 'larder.yaml', ...document.positionOf(path, part) }),
  }
  const further = result.value === undefined ? [] : await grammar.check(result.value, context)
  return [...result.problems, ...further].map((problem) => formatProblem(problem).replace('larder.yaml:', ''))
}

const lab = 'subnet: 10.1.2.0/24, gateway: 10.1.2.1'
const mac = (last: string): string => `"52:54:00:00:00:${last}"`

describe('the section network', () => {
  it.each([
    [`{${lab}}`],
    [`{${lab}, dns: [10.1.2.3], domain: lab.example.org, interface: br0.7}`],
    [`{${lab}, dns: {forward: false}, bridge: larder0, dhcp: {range: [10.1.2.15, 10.1.2.150], server: dnsmasq}}`],
    [`{subnets: {a: {${lab}}, b: {subnet: 10.1.3.0/24, gateway: 10.1.3.1, dhcp: {range: [10.1.3.2, 10.1.3.9]}}}}`],
    [
      `{${lab}, dhcp: {range: [10.1.2.15, 10.1.2.20], lease: 7d, reservations: {tv: {mac: ${mac('01')}, address: 10.1.2.15}}}}`,
    ],
  ])('may be %s', async (network) => {
    expect(await check(network)).toEqual([])
  })

  it.each([
    ['{}', ['2:10: the file: it has neither subnet nor subnets']],
    ['{subnet: 10.1.2.0/24}', ['2:10: the file: its gateway is missing']],
    [`{${lab}, subnets: {}}`, ['2:19: "subnet": where there are subnets, this belongs into one of them']],
    ['{subnet: 10.1.2.0, gateway: 10.1.2.1}', ['2:19: "subnet": a subnet such as 192.168.137.0/24 is needed']],
    ['{subnet: 10.1.2.0/33, gateway: 10.1.2.1}', ['2:19: "subnet": a subnet such as 192.168.137.0/24 is needed']],
    ['{subnet: 10.1.2.0/024, gateway: 10.1.2.1}', ['2:19: "subnet": a subnet such as 192.168.137.0/24 is needed']],
    ['{subnet: "fd00::/64", gateway: 10.1.2.1}', ['2:19: "subnet": a subnet such as 192.168.137.0/24 is needed']],
    ['{subnet: 10.1.2.0/24, gateway: 10.1.2}', ['2:41: "gateway": an IPv4 address such as 192.168.137.1 is needed']],
    ['{subnet: 10.1.2.0/24, gateway: 10.1.02.1}', ['2:41: "gateway": an IPv4 address such as 192.168.137.1 is needed']],
    [`{${lab}, interface: "eth0; reboot"}`, ['2:62: "interface": the name of a network interface is needed']],
    [`{${lab}, interface: a-name-that-is-too-long}`, ['2:62: "interface": the name of a network interface is needed']],
    [`{${lab}, domain: "lab\\nport=0"}`, ['2:59: "domain": a domain is needed']],
    [
      `{${lab}, dhcp: {range: [10.1.2.2, 10.1.2.3], lease: 1w}}`,
      ['2:94: "lease": a time such as 30m, 1h or 7d is needed'],
    ],
    [`{${lab}, dhcp: {range: [10.1.2.2, 10.1.2.3], lease: 5s}}`, ['2:94: "lease": from 60s to 366d']],
    [`{${lab}, dhcp: {range: [10.1.2.2]}}`, ['2:65: "range"']],
    [`{${lab}, dhpc: {}}`, ['2:51: unknown name "dhpc"']],
  ])('as %s is told where it is wrong', async (network, expected) => {
    const found = await check(network)
    expect(found).toHaveLength(expected.length)
    for (const [index, start] of expected.entries()) expect(found[index]?.slice(0, start.length)).toBe(start)
  })

  it.each([
    [
      '{subnet: 10.1.2.5/24, gateway: 10.1.2.1}',
      ['2:19: 10.1.2.5/24 is an address within a subnet; expected 10.1.2.0/24'],
    ],
    [
      '{subnet: 10.1.2.4/31, gateway: 10.1.2.5}',
      [
        '2:19: a subnet of /31; expected /8 to /30',
        '2:41: the gateway 10.1.2.5 is the broadcast address; expected 10.1.2.5 to 10.1.2.4',
      ],
    ],
    [
      '{subnet: 10.1.2.0/24, gateway: 10.1.3.1}',
      ['2:41: the gateway 10.1.3.1 is outside of the subnet; expected 10.1.2.1 to 10.1.2.254'],
    ],
    [
      '{subnet: 10.1.2.0/24, gateway: 10.1.2.0}',
      ['2:41: the gateway 10.1.2.0 is the address of the subnet itself; expected 10.1.2.1 to 10.1.2.254'],
    ],
    [`{${lab}, interface: a, bridge: b}`, ['2:62: there are both interface and bridge; expected one of them']],
    [
      `{${lab}, dhcp: {range: [10.1.2.9, 10.1.2.2]}}`,
      ['2:65: the range ends before it begins; expected [10.1.2.2, 10.1.2.9]'],
    ],
    [
      `{${lab}, dhcp: {range: [10.1.2.1, 10.1.2.9]}}`,
      ['2:65: the gateway 10.1.2.1 is in the range; expected a range without it'],
    ],
    [
      `{${lab}, dhcp: {range: [10.1.2.2, 10.1.2.255]}}`,
      ['2:76: the range 10.1.2.255 is the broadcast address; expected 10.1.2.1 to 10.1.2.254'],
    ],
    [
      `{${lab}, dhcp: {range: [10.1.2.2, 10.1.3.5]}}`,
      ['2:76: the range 10.1.3.5 is outside of the subnet; expected 10.1.2.1 to 10.1.2.254'],
    ],
  ])('has addresses that fit: %s', async (network, expected) => {
    expect(await check(network)).toEqual(expected)
  })

  it.each([
    [
      `tv: {mac: ${mac('01')}, address: 10.1.3.4}`,
      ['4:45: 10.1.3.4 is outside of the subnet; expected 10.1.2.1 to 10.1.2.254'],
    ],
    [`tv: {mac: ${mac('01')}, address: 10.1.2.1}`, ['4:45: 10.1.2.1 is the gateway; expected another address']],
    [
      `tv: {mac: ${mac('01')}, address: 10.1.2.71}\n    pc: {mac: ${mac('02')}, address: 10.1.2.71}`,
      ['5:45: 10.1.2.71 is reserved for tv already; expected another'],
    ],
    [
      `tv: {mac: ${mac('0a')}, address: 10.1.2.71}\n    pc: {mac: "52-54-00-00-00-0A", address: 10.1.2.8}`,
      ['5:15: 52:54:00:00:00:0a is reserved for tv already; expected another'],
    ],
    ['web-1: {address: 10.1.2.99}', ['4:22: machine web-1 has the address 10.1.2.7; expected 10.1.2.7']],
    [
      `tv: {mac: ${mac('01')}, address: 10.1.2.7}`,
      ['4:45: 10.1.2.7 is the address of machine web-1; expected another address'],
    ],
    ['web-1: {address: 10.1.2.7}', []],
    [
      'wbe-1: {address: 10.1.2.8}',
      ['4:12: there is no machine "wbe-1", and no mac is said; expected a machine, or mac: did you mean web-1?'],
    ],
    [
      'old: {address: 10.1.2.8}',
      ['4:10: old is there already, and its hardware address is not said; expected its mac'],
    ],
    [`old: {mac: ${mac('01')}, address: 10.1.2.8}`, []],
    [
      `wbe-1: {mac: ${mac('01')}, address: 10.1.2.8}`,
      ['4:12: warning: there is no machine "wbe-1": did you mean web-1?'],
    ],
  ])('reserves what can be: %s', async (reservations, expected) => {
    const network = `{${lab}, dhcp: {range: [10.1.2.15, 10.1.2.90],\n   reservations: {}}}`
    const written = network.replace(
      'reservations: {}}}',
      `reservations: {\n    ${reservations.replace('\n', ',\n')}}}}`,
    )
    const found = await check(written, '{web-1: {at: vm, address: 10.1.2.7}, old: {at: ssh}}')
    expect(found).toEqual(expected)
  })

  it.each([
    [
      '10.1.2.20',
      [
        '1:29: 10.1.2.20 is in the range that is handed out, 10.1.2.15 to 10.1.2.90, and not reserved; expected one outside of it, or a reservation for web-1',
      ],
    ],
    ['10.1.2.1', ['1:29: 10.1.2.1 is the gateway; expected another one from 10.1.2.1 to 10.1.2.254']],
    ['10.1.2.255', ['1:29: 10.1.2.255 is the broadcast address; expected another one from 10.1.2.1 to 10.1.2.254']],
    ['10.1.2.5', []],
    ['10.9.9.9', []],
  ])('leaves the address %s to a machine, or says why not', async (address, expected) => {
    const network = `{${lab}, dhcp: {range: [10.1.2.15, 10.1.2.90]}}`
    expect(await check(network, `{web-1: {address: ${address}}}`)).toEqual(expected)
  })

  it('keeps networks apart', async () => {
    const found = await check(`
  subnets:
    a: {subnet: 10.0.0.0/8, gateway: 10.1.2.1, interface: eth1, dhcp: {range: [10.1.2.2, 10.1.2.9]}}
    b: {subnet: 10.1.3.0/24, gateway: 10.1.3.1, bridge: eth1, dhcp: {range: [10.1.3.2, 10.1.3.9], server: dnsmasq}}`)
    expect(found).toEqual([
      '5:17: 10.1.3.0/24 overlaps 10.0.0.0/8 of "a"; expected subnets with no address in common',
      '5:57: eth1 is that of "a" already; expected one network on each interface',
      '5:107: "a" has kea; expected kea for all networks',
    ])
  })

  it.each([
    ['{forward: false}', '{forward: false}', 0],
    ['{forward: [192.0.2.53]}', '{}', 0],
    ['{forward: false}', '[10.1.3.9]', 0],
    ['{forward: false}', 'false', 0],
    ['{forward: false}', '{}', 1],
    ['{forward: false}', '{forward: [192.0.2.53]}', 1],
  ])('dns %s beside %s: one server answers in both', async (dns, other, count) => {
    const [a, b] = ['subnet: 10.1.2.0/24, gateway: 10.1.2.1', 'subnet: 10.1.3.0/24, gateway: 10.1.3.1']
    const words =
      'names outside of the site are asked for in "b", and not here; expected forward: false in each network that Larder answers in, or in none'
    const expected = [`2:80: ${words}`].slice(0, count)
    expect(await check(`{subnets: {a: {${a}, dns: ${dns}}, b: {${b}, dns: ${other}}}}`)).toEqual(expected)
    const swapped = await check(`{subnets: {b: {${b}, dns: ${other}}, a: {${a}, dns: ${dns}}}}`)
    expect(swapped.map((line) => line.replace(/^[0-9:]+ /, ''))).toEqual([words].slice(0, count))
  })

  it('a network with DHCP alone asks others for names', async () => {
    const found = await check(`
  subnets:
    a: {subnet: 10.1.2.0/24, gateway: 10.1.2.1, dhcp: {range: [10.1.2.2, 10.1.2.9]}}
    b: {subnet: 10.1.3.0/24, gateway: 10.1.3.1, dns: {forward: false}}`)
    expect(found).toHaveLength(1)
  })
})
