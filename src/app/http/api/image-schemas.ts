import { z } from 'zod'

const instant = z.iso.datetime()
const state = z.enum(['building', 'built', 'published', 'failed'])
const failure = z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }).optional()
const size = z.number().int().min(0)

export const imageSchema = z
  .object({
    name: z.string(),
    type: z.enum(['Docker', 'AMI']),
    reference: z.string().optional().meta({ description: 'As clients pull it; absent when it was never built' }),
    version: z.string().optional().meta({ description: 'The newest that is published' }),
    digest: z.string().optional(),
    state: state.meta({ description: 'Of the newest build, whatever became of it' }),
    builtAt: instant.optional(),
    error: failure,
  })
  .meta({ id: 'Image' })

export const imageDetailSchema = imageSchema
  .extend({
    versions: z.array(
      z.object({
        version: z.string(),
        digest: z.string(),
        sizeBytes: size.meta({ description: 'Of the manifest' }),
        platforms: z.array(z.string()).meta({ description: 'Of an index; empty for an image alone' }),
        commit: z.string().optional(),
        builtAt: instant.optional(),
      }),
    ),
    builds: z.array(
      z.object({
        version: z.string(),
        state,
        run: z.number().int(),
        commit: z.string().optional(),
        startedAt: instant,
        finishedAt: instant.optional(),
        ec2: z.object({ imageId: z.string(), region: z.string() }).optional(),
        error: failure,
      }),
    ),
    proofs: z.array(z.object({ artifactType: z.string(), digest: z.string(), sizeBytes: size })),
  })
  .meta({ id: 'ImageDetail' })
