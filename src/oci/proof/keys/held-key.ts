import { z } from 'zod'

/** What is kept of a key that signs images. */
export const heldKey = z.strictObject({
  /** SHA-256 of the public half as SPKI in DER. */
  id: z.string().regex(/^[0-9a-f]{64}$/),
  publicKeyPem: z.string(),
  /** PKCS #8; encrypted when a passphrase file is given. */
  privateKeyPem: z.string(),
  /** ISO 8601. From then on it no longer signs; null: the key in use. */
  retiresAt: z.iso.datetime().nullable(),
})

export type HeldKey = z.infer<typeof heldKey>
