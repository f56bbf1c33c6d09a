import type { SealedEntry, Sealer } from '../../publish/index.ts'
import type { SigningKey } from '../../publish/index.ts'
import type { RepositoryMeta } from './compose.ts'
import { releaseText } from './release-text.ts'

/**
 * Signs a snapshot: Release, Release.gpg and InRelease with `sealedAt` as their Date, so that the content of an
 * earlier snapshot, sealed again, is newer to a client than what it has.
 */
export function createAptSealer(meta: RepositoryMeta, key: SigningKey): Sealer {
  return {
    async seal({ sealedAt, validUntil }) {
      const text = releaseText(meta, meta.files, { date: sealedAt, validUntil })
      const bytes = Buffer.from(text)
      const [inRelease, detached] = await Promise.all([
        key.signCleartext(text, sealedAt),
        key.signDetached(bytes, sealedAt),
      ])
      const entry = (name: string, content: Buffer): SealedEntry => ({
        path: `dists/${meta.suite}/${name}`,
        bytes: content,
        stable: false,
      })
      return {
        entries: [
          entry('Release', bytes),
          entry('Release.gpg', Buffer.from(detached)),
          entry('InRelease', Buffer.from(inRelease)),
        ],
      }
    },
  }
}
