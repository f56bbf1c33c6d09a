import type { PrivateKey } from 'openpgp'
import { openpgp } from '../openpgp/index.ts'
import { fingerprintOf } from './openpgp-key.ts'
import type { SigningKey } from './signing.ts'

/** Signs with all of the keys, the newest first; a client that trusts any one of them is content. */
export function createSigningKey(keys: readonly [PrivateKey, ...PrivateKey[]]): SigningKey {
  const { createCleartextMessage, createMessage, enums, sign } = openpgp()
  const signingKeys = [...keys]
  const config = { preferredHashAlgorithm: enums.hash.sha512, showVersion: false, showComment: false }
  return {
    fingerprint: fingerprintOf(keys[0]),
    publicKeyArmored: armorPublic(keys),
    async signCleartext(text, at) {
      // The last line ending is not a part of what is signed: gpg leaves it out, and so is there no empty line at the end.
      const message = await createCleartextMessage({ text: text.replace(/\n$/, '') })
      const signed = await sign({ message, signingKeys, date: at, config })
      // The signature is over CR LF in any case (RFC 4880 §7.1); apt wants the file with LF.
      return signed.replaceAll('\r\n', '\n')
    },
    async signDetached(bytes, at) {
      const message = await createMessage({ binary: bytes })
      const signature: unknown = await sign({
        message,
        signingKeys,
        date: at,
        detached: true,
        format: 'armored',
        config,
      })
      if (typeof signature !== 'string') throw new Error('openpgp answered a whole message with a stream')
      return signature.replaceAll('\r\n', '\n')
    },
    async signBinary(binary, at) {
      const message = await createMessage({ binary })
      const signature: unknown = await sign({
        message,
        signingKeys: keys[0],
        date: at,
        detached: true,
        format: 'binary',
        config,
      })
      if (!(signature instanceof Uint8Array)) throw new Error('openpgp answered a whole message with a stream')
      const { algorithm } = (await keys[0].getSigningKey(undefined, at)).getAlgorithmInfo()
      return { bytes: signature, isRsa: algorithm.startsWith('rsa') }
    },
  }
}

/**
 * One block, since Signed-By of a deb822 source holds one; with its checksum, without which gpg 2.2, and so dnf, cannot
 * read a block whose bytes need no padding.
 */
function armorPublic(keys: readonly PrivateKey[]): string {
  const { PacketList, armor, enums } = openpgp()
  const packets = new PacketList()
  for (const key of keys) packets.push(...key.toPublic().toPacketList())
  const emitChecksum = true
  return armor(enums.armor.publicKey, packets.write(), undefined, undefined, undefined, emitChecksum)
}
