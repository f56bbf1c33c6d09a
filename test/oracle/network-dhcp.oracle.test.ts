import { join } from 'node:path'
import { dhcpServerContract } from '../../src/fleet/network/dhcp-server.contract.ts'
import { createDnsmasqServer } from '../../src/fleet/network/dnsmasq/dnsmasq-server.ts'
import { createKeaServer } from '../../src/fleet/network/kea/kea-server.ts'

dhcpServerContract('kea', {
  open: createKeaServer,
  configFile: ({ folder }) => join(folder, 'kea', 'kea-dhcp4.conf'),
  rangeChange: 'live',
})

dhcpServerContract('dnsmasq', {
  open: (room, supervisor) => Promise.resolve(createDnsmasqServer(room, supervisor)),
  configFile: ({ folder }) => join(folder, 'dhcp-dnsmasq', 'dnsmasq.conf'),
  rangeChange: 'restarted',
})
