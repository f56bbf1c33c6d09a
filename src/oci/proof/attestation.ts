import type { Descriptor } from '../descriptor.ts'
import { makeArtifact, proofTag, type ProofArtifact } from './artifact.ts'
import { envelopeType, sealStatement } from './envelope.ts'
import type { ImageKey } from './keys/image-keys.ts'

export interface Predicate {
  /** A URI: `https://slsa.dev/provenance/v1`. */
  type: string
  content: object
}

export interface AttestOptions {
  image: Descriptor
  /** Name of the repository: `counter`. */
  name: string
  predicates: readonly Predicate[]
  keys: readonly ImageKey[]
}

const statementType = 'https://in-toto.io/Statement/v1'
const predicateTypeAnnotation = 'predicateType'

/**
 * Statements about an image, each signed in an envelope of its own, in one manifest under the tag that cosign looks for.
 * Source: in-toto Statement v1; cosign, specs/ATTESTATION_SPEC.md.
 */
export function attestImage({ image, name, predicates, keys }: AttestOptions): ProofArtifact {
  const [algorithm = '', hex = ''] = image.digest.split(':')
  const layers = predicates.map(({ type, content }) => {
    const subject = [{ name, digest: { [algorithm]: hex } }]
    const statement = { _type: statementType, subject, predicateType: type, predicate: content }
    return {
      mediaType: envelopeType,
      bytes: sealStatement(statement, keys),
      annotations: { [predicateTypeAnnotation]: type, 'dev.cosignproject.cosign/signature': '' },
    }
  })
  return makeArtifact({
    subject: image,
    artifactType: envelopeType,
    layers,
    tag: proofTag(image.digest, 'att'),
    config: 'image',
  })
}
