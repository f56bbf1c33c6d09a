import type { Keyring } from './keyring.ts'
import { openpgp } from './library.ts'

/**
 * Public keys as rpm, dnf and yum import them: a block for each key, since rpm of old reads the first key of a block
 * alone, and with the checksum that GnuPG 2.2 cannot do without.
 */
export function armorKeyring({ keys }: Keyring): string {
  const { armor, enums } = openpgp()
  return keys
    .map((key) => armor(enums.armor.publicKey, key.write(), undefined, undefined, undefined, true))
    .join('')
    .replaceAll('\r\n', '\n')
}
