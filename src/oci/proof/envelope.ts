import { verify } from 'node:crypto'
import { z } from 'zod'
import type { ImageKey } from './keys/image-keys.ts'
import { keyIdOf, readPublicKey } from './keys/key-pair.ts'

export const envelopeType = 'application/vnd.dsse.envelope.v1+json'
const statementPayloadType = 'application/vnd.in-toto+json'

/** Signs a statement by each key. Source: DSSE 1.0, envelope.md and protocol.md. */
export function sealStatement(statement: object, keys: readonly ImageKey[]): Buffer {
  const payload = Buffer.from(JSON.stringify(statement))
  const signed = preAuthenticationEncoding(statementPayloadType, payload)
  const signatures = keys.map((key) => ({ keyid: key.id, sig: key.sign(signed).toString('base64') }))
  const envelope = { payloadType: statementPayloadType, payload: payload.toString('base64'), signatures }
  return Buffer.from(JSON.stringify(envelope))
}

/**
 * The bytes of the statement in an envelope, and which of these keys have signed it; undefined when none of them has, or
 * when it is no such envelope. What `keyid` says is a hint, and is not believed.
 */
export function openStatement(
  bytes: Uint8Array,
  publicKeyPems: readonly string[],
): { statement: Buffer; keyIds: string[] } | undefined {
  const envelope = parseEnvelope(bytes)
  if (envelope?.payloadType !== statementPayloadType) return undefined
  const statement = Buffer.from(envelope.payload, 'base64')
  const signed = preAuthenticationEncoding(envelope.payloadType, statement)
  const good = publicKeyPems.filter((pem) =>
    envelope.signatures.some(({ sig }) => isSignature(signed, pem, Buffer.from(sig, 'base64'))),
  )
  return good.length === 0 ? undefined : { statement, keyIds: good.map(keyIdOf) }
}

/** Whether it is an ECDSA signature in DER over SHA-256. */
export function isSignature(bytes: Uint8Array, publicKeyPem: string, signature: Uint8Array): boolean {
  return verify('sha256', bytes, readPublicKey(publicKeyPem), signature)
}

/** What is signed: lengths before contents, so that no two pairs of type and payload are the same bytes. */
export function preAuthenticationEncoding(type: string, payload: Uint8Array): Buffer {
  const typeBytes = Buffer.from(type)
  const head = `DSSEv1 ${typeBytes.length} ${type} ${payload.length} `
  return Buffer.concat([Buffer.from(head), payload])
}

const envelopeSchema = z.looseObject({
  payloadType: z.string(),
  payload: z.base64(),
  signatures: z
    .array(z.looseObject({ sig: z.base64() }))
    .min(1)
    .max(100),
})

function parseEnvelope(bytes: Uint8Array): z.infer<typeof envelopeSchema> | undefined {
  try {
    return envelopeSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError || error instanceof z.ZodError) return undefined
    throw error
  }
}
