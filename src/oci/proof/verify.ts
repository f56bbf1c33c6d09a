import { z } from 'zod'
import { LarderError } from '../../core/index.ts'
import type { Descriptor } from '../descriptor.ts'
import { parseManifest } from '../manifest.ts'
import { readContent, type ImageSource } from './content.ts'
import { envelopeType, isSignature, openStatement } from './envelope.ts'
import { keyIdOf } from './keys/key-pair.ts'
import { payloadType, signatureAnnotation } from './signature.ts'

export interface VerifyOptions {
  /** Of the image. */
  digest: string
  /** Where the layers of the proof are. */
  source: ImageSource
  /** One of them must have signed. */
  publicKeyPems: readonly string[]
}

export interface VerifiedSignature {
  keyId: string
  /** What the image was called when it was signed. */
  reference: string
}

export interface VerifiedStatement {
  predicateType: string
  predicate: unknown
  keyIds: string[]
}

/** Signatures in a manifest under `sha256-<hex>.sig` that are good and about this image. PROOF_INVALID when none is. */
export async function verifySignatures(manifest: Uint8Array, options: VerifyOptions): Promise<VerifiedSignature[]> {
  const good: VerifiedSignature[] = []
  for (const layer of layersOf(manifest, payloadType)) {
    const signature = Buffer.from(layer.annotations?.[signatureAnnotation] ?? '', 'base64')
    const bytes = await readContent(options.source, layer, maxPayloadBytes)
    const pem = options.publicKeyPems.find((key) => isSignature(bytes, key, signature))
    const payload = pem === undefined ? undefined : parse(payloadSchema, bytes)
    if (pem === undefined || payload?.critical.image['docker-manifest-digest'] !== options.digest) continue
    good.push({ keyId: keyIdOf(pem), reference: payload.critical.identity['docker-reference'] })
  }
  if (good.length > 0) return good
  throw invalid('signature', options.digest)
}

/** Statements in a manifest under `sha256-<hex>.att` that are signed and about this image. PROOF_INVALID when none is. */
export async function verifyStatements(manifest: Uint8Array, options: VerifyOptions): Promise<VerifiedStatement[]> {
  const [algorithm = '', hex = ''] = options.digest.split(':')
  const good: VerifiedStatement[] = []
  for (const layer of layersOf(manifest, envelopeType)) {
    const bytes = await readContent(options.source, layer, maxEnvelopeBytes)
    const opened = openStatement(bytes, options.publicKeyPems)
    const statement = opened && parse(statementSchema, opened.statement)
    if (!opened || statement?.subject.every(({ digest }) => digest[algorithm] !== hex) !== false) continue
    good.push({ predicateType: statement.predicateType, predicate: statement.predicate, keyIds: opened.keyIds })
  }
  if (good.length > 0) return good
  throw invalid('attestation', options.digest)
}

const maxPayloadBytes = 64 * 1024
const maxEnvelopeBytes = 64 * 1024 * 1024
/** Of one manifest: whoever may push may put any number there. */
const maxLayers = 100

function layersOf(manifest: Uint8Array, mediaType: string): Descriptor[] {
  const { blobs } = parseManifest(manifest, undefined)
  return blobs.filter((layer) => layer.mediaType === mediaType).slice(0, maxLayers)
}

const payloadSchema = z.looseObject({
  critical: z.strictObject({
    identity: z.strictObject({ 'docker-reference': z.string() }),
    image: z.strictObject({ 'docker-manifest-digest': z.string() }),
    type: z.literal('cosign container image signature'),
  }),
})
const statementSchema = z.looseObject({
  _type: z.enum(['https://in-toto.io/Statement/v1', 'https://in-toto.io/Statement/v0.1']),
  subject: z.array(z.looseObject({ digest: z.record(z.string(), z.string()) })).min(1),
  predicateType: z.string(),
  predicate: z.unknown(),
})

function parse<T extends z.ZodType>(schema: T, bytes: Uint8Array): z.infer<T> | undefined {
  try {
    const result = schema.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))
    return result.success ? result.data : undefined
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined
    throw error
  }
}

function invalid(what: string, digest: string): LarderError {
  return new LarderError('PROOF_INVALID', {
    message: `No ${what} of ${digest} is good, about this image, and by a key that is trusted.`,
    hint: 'Do not run the image. Push it again from where it was built, or sign it again when its key has retired.',
    context: { digest },
  })
}
