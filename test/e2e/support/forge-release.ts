import { createHash } from 'node:crypto'
import type { Upstream } from '../../fixtures/upstream/index.ts'

export interface ForgedIndex {
  /** Packages.xz as it will be served; properly promised and signed. */
  packed: Buffer
  /** What the Release says of the unpacked Packages. */
  unpackedBytes: number
  unpackedSha256?: string
}

/** Serves an index that the upstream itself signs for: an upstream that is trusted, and hostile. */
export async function forgeRelease(
  upstream: Upstream,
  index: ForgedIndex,
  extension: 'xz' | 'gz' = 'xz',
): Promise<void> {
  const date = new Date(Math.floor(Date.now() / 1000) * 1000 + 1000)
  const folder = 'main/binary-amd64/Packages'
  const sha256 = createHash('sha256').update(index.packed).digest('hex')
  const text = [
    'Suite: stable',
    'Codename: stable',
    `Date: ${date.toUTCString().replace('GMT', 'UTC')}`,
    'Architectures: amd64',
    'Components: main',
    'SHA256:',
    ` ${index.unpackedSha256 ?? '0'.repeat(64)} ${index.unpackedBytes} ${folder}`,
    ` ${sha256} ${index.packed.length} ${folder}.${extension}`,
    '',
  ].join('\n')
  const signed = Buffer.from(await upstream.signer.signCleartext(text, date))
  const files = new Map([
    ['dists/stable/InRelease', signed],
    [`dists/stable/${folder}.${extension}`, index.packed],
  ])
  for (const [path, bytes] of files) upstream.fault(path, { kind: 'replace', bytes })
  // The fixture looks for a file before it asks what fault to make of it.
  const lookup = upstream.repository.lookup.bind(upstream.repository)
  upstream.repository.lookup = (path) => {
    const bytes = files.get(path)
    return bytes === undefined ? lookup(path) : { bytes, modifiedAt: date }
  }
}
