import { z } from 'zod'
import { resourceListSchema } from '../resource/resource-schema.ts'
import { allowVariables } from './allow-variables.ts'
import { literalKeys } from './fill-variables.ts'

/** Of a resource as editors are told it; made when somebody asks. */
const written = {
  get items(): unknown {
    const { items } = z.toJSONSchema(resourceListSchema, { io: 'input', unrepresentable: 'any', reused: 'inline' })
    return allowVariables({ ...(items as object) }, literalKeys)
  },
}

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
    // Each is judged where variables have taken their places.
    resources: z
      .array(z.unknown())
      .max(10_000)
      .meta(written)
      .describe('Resources: each names one type and its subject, or several'),
  })
  .describe('A named set of resources')
