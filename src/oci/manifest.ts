import { z } from 'zod'
import { LarderError } from '../core/index.ts'
import { annotationsSchema, descriptorSchema, type Descriptor } from './descriptor.ts'
import { isManifestType, mediaTypes } from './media-type.ts'
import type { OciDigest } from './reference.ts'

/** What the registry has to know of a manifest; its bytes stay as they came. */
export interface Manifest {
  mediaType: string
  /** Config and layers, or the blobs of an artifact: those that the repository must have. */
  blobs: Descriptor[]
  /** Entries of an index that are manifests. */
  manifests: Descriptor[]
  subject: OciDigest | undefined
  /** Of the manifest, or else the type of its config. */
  artifactType: string | undefined
  annotations: Record<string, string> | undefined
}

/** Source: OCI distribution-spec, "Pushing Manifests": a registry takes at least 4 MiB. */
export const maxManifestBytes = 4_194_304

const common = {
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  artifactType: z.string().max(255).optional(),
  subject: descriptorSchema.optional(),
  annotations: annotationsSchema.optional(),
}
const imageSchema = z.looseObject({ ...common, config: descriptorSchema, layers: z.array(descriptorSchema) })
const indexSchema = z.looseObject({ ...common, manifests: z.array(descriptorSchema) })
const artifactSchema = z.looseObject({
  ...common,
  schemaVersion: z.literal(2).optional(),
  blobs: z.array(descriptorSchema).default([]),
})

/**
 * Reads a manifest of the type that its Content-Type names (parameters left out); without one, of the type that it
 * names itself. Source: OCI image-spec, manifest.md and image-index.md. OCI_MANIFEST_INVALID.
 */
export function parseManifest(bytes: Uint8Array, contentType: string | undefined): Manifest {
  const value = parseJson(bytes)
  const inside = typeof value['mediaType'] === 'string' ? value['mediaType'] : undefined
  const mediaType =
    contentType ?? inside ?? (Array.isArray(value['manifests']) ? mediaTypes.index : mediaTypes.manifest)
  if (inside !== undefined && inside !== mediaType) {
    throw invalid(`it says that it is ${inside}, and the request that it is ${mediaType}`)
  }
  switch (mediaType) {
    case mediaTypes.manifest:
    case mediaTypes.dockerManifest:
      return ofImage(mediaType, check(imageSchema, value))
    case mediaTypes.index:
    case mediaTypes.dockerList:
      return ofIndex(mediaType, check(indexSchema, value))
    case mediaTypes.artifact: {
      const { blobs, ...rest } = check(artifactSchema, value)
      return { mediaType, blobs, manifests: [], ...alike(rest) }
    }
    default:
      throw invalid(`${mediaType.slice(0, 100)} is no type of manifest that is known here`)
  }
}

function ofImage(mediaType: string, { config, layers, ...rest }: z.infer<typeof imageSchema>): Manifest {
  const alikes = alike(rest)
  // What a descriptor says is elsewhere need not be here.
  const blobs = [config, ...layers.filter(({ urls }) => urls === undefined || urls.length === 0)]
  return { mediaType, blobs, manifests: [], ...alikes, artifactType: alikes.artifactType ?? config.mediaType }
}

function ofIndex(mediaType: string, { manifests, ...rest }: z.infer<typeof indexSchema>): Manifest {
  return {
    mediaType,
    blobs: manifests.filter((entry) => !isManifestType(entry.mediaType)),
    manifests: manifests.filter((entry) => isManifestType(entry.mediaType)),
    ...alike(rest),
  }
}

interface Alike {
  subject?: Descriptor | undefined
  artifactType?: string | undefined
  annotations?: Record<string, string> | undefined
}

function alike({
  subject,
  artifactType,
  annotations,
}: Alike): Pick<Manifest, 'subject' | 'artifactType' | 'annotations'> {
  return { subject: subject?.digest as OciDigest | undefined, artifactType: artifactType || undefined, annotations }
}

function parseJson(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error
  }
  throw invalid('it is no JSON object')
}

function check<T extends z.ZodType>(schema: T, value: unknown): z.infer<T> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw invalid(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
}

function invalid(why: string): LarderError {
  return new LarderError('OCI_MANIFEST_INVALID', {
    message: `The manifest cannot be taken: ${why}.`,
    hint: 'Push it again with a client of OCI images or Docker images (schema 2).',
  })
}
