import { isLarderError } from '../../core/index.ts'
import type { Descriptor } from '../descriptor.ts'
import { parseManifest } from '../manifest.ts'
import { proofTag, type ArtifactLayer } from '../proof/artifact.ts'
import { readContent } from '../proof/content.ts'
import { payloadType, signImage } from '../proof/signature.ts'
import { verifySignatures } from '../proof/verify.ts'
import type { OciDigest, RepositoryName } from '../reference.ts'
import { listedManifests } from '../registry/listed-manifests.ts'
import type { ImageKindOptions } from './image-kind.ts'
import { putArtifact, subjectOf } from './prove-image.ts'
import { registrySource } from './verify-image.ts'

interface SameImage {
  repository: RepositoryName
  digest: OciDigest
  /** That it is to have besides those that it was signed for. */
  version: string
  /** Of the commit. */
  time: Date
}

/**
 * Signs an image that is published already for another version: clients take a signature only for the name that they
 * pull by. Of an index, each of its images, too. Done twice, it is done once.
 */
export async function signVersion(options: ImageKindOptions, same: SameImage): Promise<void> {
  const { repository, digest } = same
  const subject = await subjectOf(options.registry, repository, digest)
  const listed = await listedManifests(options.registry, repository, { ...subject, digest })
  for (const one of [subject, ...listed]) await addSignature(options, same, one)
}

async function addSignature(
  options: ImageKindOptions,
  { repository, version, time }: SameImage,
  subject: Descriptor,
): Promise<void> {
  const { registry, keys, who } = options
  const reference = `${who().registryHost}/${repository}:${version}`
  const before = await registry.manifest(repository, { tag: proofTag(subject.digest, 'sig') })
  const bytes = before && (await registry.manifestContent(repository, before.digest))
  if (bytes !== undefined && (await isSignedFor(options, { repository, subject, bytes }, reference))) return
  const artifact = signImage({
    image: subject,
    references: [reference],
    keys: await keys.current(),
    createdAt: time,
    creator: who().creator,
    others: bytes === undefined ? [] : await signaturesIn(options, repository, bytes),
  })
  await putArtifact(registry, repository, artifact)
  if (before === undefined) return
  await registry.removeManifest(repository, { digest: before.digest }).catch((error: unknown) => {
    if (!isLarderError(error, 'OCI_MANIFEST_UNKNOWN')) throw error
  })
}

async function isSignedFor(
  { registry, keys }: ImageKindOptions,
  { repository, subject, bytes }: { repository: RepositoryName; subject: Descriptor; bytes: Uint8Array },
  reference: string,
): Promise<boolean> {
  const source = registrySource(registry, repository)
  const publicKeyPems = await keys.trusted()
  try {
    const found = await verifySignatures(bytes, { digest: subject.digest, source, publicKeyPems })
    return found.some((one) => one.reference === reference)
  } catch (error) {
    if (isLarderError(error, 'PROOF_INVALID', 'OCI_BLOB_UNKNOWN', 'OCI_IMAGE_UNREADABLE')) return false
    throw error
  }
}

/** Those of other names and keys, as they are; what is lost of them is left out. */
async function signaturesIn(
  { registry }: ImageKindOptions,
  repository: RepositoryName,
  manifest: Uint8Array,
): Promise<ArtifactLayer[]> {
  const source = registrySource(registry, repository)
  const layers: ArtifactLayer[] = []
  for (const layer of parseManifest(manifest, undefined).blobs) {
    if (layer.mediaType !== payloadType) continue
    try {
      const { mediaType, annotations } = layer
      const bytes = await readContent(source, layer, maxPayloadBytes)
      layers.push({ mediaType, bytes, ...(annotations === undefined ? {} : { annotations }) })
    } catch (error) {
      if (!isLarderError(error, 'OCI_BLOB_UNKNOWN', 'OCI_IMAGE_UNREADABLE')) throw error
    }
  }
  return layers
}

const maxPayloadBytes = 1024 * 1024
