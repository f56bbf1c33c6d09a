import { credentialFiles } from '../credentials-archive.ts'
import type { MachineCredentials, MachineSpec } from '../place.ts'
import { rootArchive } from '../root-archive.ts'
import { networkPath } from './base-files.ts'
import type { NetworkCard } from './network-card.ts'

/** How a machine is in its networks, as text for ip(8), `-batch`. Its cards are eth0, eth1 …, in this order. */
export function networkScript(cards: readonly NetworkCard[]): string {
  const lines = cards.flatMap(({ address, prefixLength, gateway }, index) => {
    const device = `dev eth${index}`
    const way = index === 0 ? [`route replace default via ${gateway}`] : []
    return [`link set ${device} up`, `address replace ${address}/${prefixLength} ${device}`, ...way]
  })
  return `${lines.join('\n')}\n`
}

/** Whom a machine asks for names. Source: resolv.conf(5). */
export function resolverFile(cards: readonly NetworkCard[]): string {
  const [first] = cards
  const servers = (first?.nameServers ?? []).map((server) => `nameserver ${server}\n`)
  return (first?.domain === undefined ? '' : `search ${first.domain}\n`) + servers.join('')
}

/** The second disk of a machine: an archive of what it is given, of whole sectors. */
export async function makeSeed(
  { name }: Pick<MachineSpec, 'name'>,
  { credentials, cards }: { credentials: MachineCredentials; cards: readonly NetworkCard[] },
): Promise<Buffer> {
  return rootArchive([
    ...credentialFiles(credentials),
    { path: 'etc/hostname', mode: 0o644, content: `${name}\n` },
    {
      path: 'etc/hosts',
      mode: 0o644,
      content: `127.0.0.1 localhost\n127.0.1.1 ${name}\n::1 localhost ip6-localhost\n`,
    },
    { path: 'etc/resolv.conf', mode: 0o644, content: resolverFile(cards) },
    { path: networkPath, mode: 0o644, content: networkScript(cards) },
  ])
}
