import { z } from 'zod'
import { resourceListSchema } from '../resource/resource-schema.ts'

/** A file roles/<name>.yaml of the site repository. */
export const roleSchema = z
  .strictObject({
    description: z.string().max(1000).optional().describe('For people'),
    variables: z
      .record(
        z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'letters, digits and _ make the name of a variable'),
        z.json(),
      )
      .default({})
      .describe('What templates may name, with values that a machine may replace; null: it has to'),
    resources: resourceListSchema,
  })
  .describe('A named set of resources')
