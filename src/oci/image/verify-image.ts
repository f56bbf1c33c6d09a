import { createHash } from 'node:crypto'
import { isLarderError, type Finding } from '../../core/index.ts'
import type { Descriptor } from '../descriptor.ts'
import { parseManifest } from '../manifest.ts'
import { platformName } from '../platform.ts'
import type { ImageSource } from '../proof/content.ts'
import { proofTag } from '../proof/artifact.ts'
import { verifySignatures } from '../proof/verify.ts'
import { algorithmOf, parseDigest, type OciDigest, type RepositoryName } from '../reference.ts'
import type { Registry } from '../registry/registry.ts'
import { blobUnknown } from '../registry/blobs.ts'
import { manifestUnknown } from '../registry/manifests.ts'

interface Asked {
  repository: RepositoryName
  version: string
  /** Public keys, PEM: one of them must have signed. */
  trusted: readonly string[]
}

/** Reads and hashes everything that a client would pull, and looks at the signature. OCI_MANIFEST_UNKNOWN. */
export async function verifyImageContent(
  registry: Registry,
  { repository, version, trusted }: Asked,
): Promise<Finding[]> {
  const info = await registry.manifest(repository, { tag: version })
  if (info === undefined) throw manifestUnknown(repository, { tag: version })
  const subject = `image ${repository} ${version}`
  const messages = await verifyManifest(registry, { repository, digest: info.digest, trusted })
  return messages.map((message) => ({ severity: 'error', subject, message }))
}

/** What a manifest names, its signature, and of an index all that of each of its images. */
async function verifyManifest(registry: Registry, { repository, digest, trusted }: Signed): Promise<string[]> {
  const bytes = await registry.manifestContent(repository, digest)
  if (hashOf(digest, [bytes]) !== digest) return [`the manifest ${digest} is not what it was`]
  const { blobs, manifests } = parseManifest(bytes, undefined)
  const findings: string[] = []
  for (const blob of blobs) findings.push(...(await verifyBlob(registry, repository, blob)))
  findings.push(...(await verifySignature(registry, { repository, digest, trusted })))
  for (const { digest: text, platform } of manifests) {
    const found = await verifyManifest(registry, { repository, digest: parseDigest(text), trusted })
    findings.push(
      ...found.map((message) => (platform === undefined ? message : `${platformName(platform)}: ${message}`)),
    )
  }
  return findings
}

interface Signed {
  repository: RepositoryName
  digest: OciDigest
  trusted: readonly string[]
}

async function verifyBlob(registry: Registry, repository: RepositoryName, { digest }: Descriptor): Promise<string[]> {
  const hash = createHash(algorithmOf(digest))
  try {
    const blob = await registry.blob(repository, parseDigest(digest))
    if (blob === undefined) return [`${digest} is not there`]
    for await (const chunk of (await blob.open()) as AsyncIterable<Buffer>) hash.update(chunk)
  } catch (error) {
    if (!isLarderError(error, 'BLOB_MISSING')) throw error
    return [`${digest} is not in the store`]
  }
  return `${algorithmOf(digest)}:${hash.digest('hex')}` === digest ? [] : [`${digest} is not what it was`]
}

async function verifySignature(registry: Registry, { repository, digest, trusted }: Signed): Promise<string[]> {
  const info = await registry.manifest(repository, { tag: proofTag(digest, 'sig') })
  if (info === undefined) return ['it has no signature']
  const manifest = await registry.manifestContent(repository, info.digest)
  try {
    await verifySignatures(manifest, { digest, source: registrySource(registry, repository), publicKeyPems: trusted })
    return []
  } catch (error) {
    if (!isLarderError(error, 'PROOF_INVALID', 'OCI_BLOB_UNKNOWN', 'OCI_IMAGE_UNREADABLE')) throw error
    return ['its signature is not by a key of this Larder']
  }
}

/** A repository as proofs are read from it. */
export function registrySource(registry: Registry, repository: RepositoryName): ImageSource {
  return {
    async open({ digest }) {
      const blob = await registry.blob(repository, parseDigest(digest))
      if (blob === undefined) throw blobUnknown(repository, parseDigest(digest))
      return (await blob.open()) as AsyncIterable<Buffer>
    },
  }
}

function hashOf(digest: OciDigest, parts: readonly Uint8Array[]): string {
  const hash = createHash(algorithmOf(digest))
  for (const part of parts) hash.update(part)
  return `${algorithmOf(digest)}:${hash.digest('hex')}`
}
