import { z } from 'zod'
import { isOciDigest } from './reference.ts'

const annotations = z.record(z.string(), z.string())

/** A reference to content by type, digest and size. Source: OCI image-spec, descriptor.md. Keys unknown here stay. */
export const descriptorSchema = z.looseObject({
  mediaType: z.string().min(1).max(255),
  digest: z.string().refine((text): boolean => isOciDigest(text), 'sha256:<64 hex digits> or sha512:<128 hex digits>'),
  size: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  urls: z.array(z.string()).optional(),
  annotations: annotations.optional(),
  artifactType: z.string().max(255).optional(),
  platform: z.looseObject({ architecture: z.string(), os: z.string(), variant: z.string().optional() }).optional(),
})

export type Descriptor = z.infer<typeof descriptorSchema>

export const annotationsSchema = annotations
