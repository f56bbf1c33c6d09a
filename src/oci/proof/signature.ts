import type { Descriptor } from '../descriptor.ts'
import { makeArtifact, proofTag, type ArtifactLayer, type ProofArtifact } from './artifact.ts'
import type { ImageKey } from './keys/image-keys.ts'

const signatureType = 'application/vnd.dev.cosign.artifact.sig.v1+json'
export const payloadType = 'application/vnd.dev.cosign.simplesigning.v1+json'
export const signatureAnnotation = 'dev.cosignproject.cosign/signature'

export interface SignOptions {
  image: Descriptor
  /**
   * What clients may call it: `registry.example.org:5000/counter:1.4.0`. One signature is made for each, since a client
   * with containers-policy.json(5) takes a signature only for the name that it pulls by, unless told otherwise.
   */
  references: readonly string[]
  keys: readonly ImageKey[]
  createdAt: Date
  /** Of the program that signs: `larder 0.1.0`. */
  creator: string
  /** Signatures that were there before, and stay. Default: none. */
  others?: readonly ArtifactLayer[]
}

/**
 * Signs an image as cosign does, so that its clients and those of containers-policy.json(5), `sigstoreSigned`, find and
 * believe it. Source: cosign, specs/SIGNATURE_SPEC.md; containers/image, docs/containers-policy.json.5.md.
 */
export function signImage(options: SignOptions): ProofArtifact {
  const { image, references, keys, others = [] } = options
  const layers = references.flatMap((reference) => {
    const bytes = payloadOf(reference, options)
    return keys.map((key) => ({
      mediaType: payloadType,
      bytes,
      annotations: { [signatureAnnotation]: key.sign(bytes).toString('base64') },
    }))
  })
  return makeArtifact({
    subject: image,
    artifactType: signatureType,
    layers: [...others, ...layers],
    tag: proofTag(image.digest, 'sig'),
    config: 'image',
  })
}

function payloadOf(reference: string, { image, createdAt, creator }: SignOptions): Buffer {
  const payload = {
    critical: {
      identity: { 'docker-reference': reference },
      image: { 'docker-manifest-digest': image.digest },
      type: 'cosign container image signature',
    },
    optional: { creator, timestamp: Math.floor(createdAt.getTime() / 1000) },
  }
  return Buffer.from(JSON.stringify(payload))
}
