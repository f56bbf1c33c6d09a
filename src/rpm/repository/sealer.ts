import type { SealedEntry, Sealer, SigningKey } from '../../publish/index.ts'
import { formatRepomd } from '../repomd.ts'
import type { RepositoryMeta } from './compose.ts'

/**
 * Signs a snapshot: repomd.xml, its detached signature, and the public key where zypper looks for it. The revision and
 * all timestamps are the moment of sealing in whole seconds, so that the content of an earlier snapshot, sealed again,
 * is newer to yum 3 and dnf than what they have.
 */
export function createRpmSealer(meta: RepositoryMeta, key: SigningKey): Sealer {
  return {
    async seal({ sealedAt }) {
      const timestamp = Math.floor(sealedAt.getTime() / 1000)
      const records = meta.records.map((record) => ({ ...record, timestamp }))
      const bytes = Buffer.from(formatRepomd({ revision: String(timestamp), records }))
      const signature = await key.signDetached(bytes, sealedAt)
      const entry = (name: string, content: Buffer): SealedEntry => ({
        path: `repodata/${name}`,
        bytes: content,
        stable: false,
      })
      return {
        entries: [
          entry('repomd.xml', bytes),
          entry('repomd.xml.asc', Buffer.from(signature)),
          entry('repomd.xml.key', Buffer.from(key.publicKeyArmored)),
        ],
      }
    },
  }
}
