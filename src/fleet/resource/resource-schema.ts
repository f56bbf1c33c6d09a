import { z } from 'zod'
import type { AnyResourceType } from './resource-type.ts'
import { resourceTypes } from './resource-types.ts'
import { whenSchema } from './when.ts'

/** A resource of a machine by its id, or `type:subject`. */
const reference = z
  .string()
  .max(4200)
  .regex(/^[^\u0000-\u001f]+$/, 'the id of a resource is needed, or type:subject as in service:nginx')
const references = z
  .union([reference, z.array(reference).max(1000)])
  .transform((value) => (Array.isArray(value) ? value : [value]))

/** What may stand beside the keys of each type. */
export const commonSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9 ._/:@-]{0,199}$/, 'letters, digits, blanks and . _ / : @ - make an id')
    .optional()
    .describe('What others call it by. Default: `type:subject`'),
  after: references.optional().describe('What comes first on this machine: `file:/etc/motd`'),
  notify: references
    .optional()
    .describe('What is told, once, after this has changed: a service restarts, a command runs'),
  when: whenSchema.optional(),
})

export const commonKeys: readonly string[] = Object.keys(commonSchema.shape)

/** Names that may stand in a resource of this type, its own included. */
export function keysOf(type: AnyResourceType): readonly string[] {
  return Object.keys(shapeOf(type))
}

function shapeOf(type: AnyResourceType): Record<string, z.ZodType> {
  return (type.schema as z.ZodObject<Record<string, z.ZodType>>).shape
}

/** A list of resources as people write it: for editors and for the reference. What it checks is less than what parsing does. */
export const resourceListSchema = z
  .array(z.union(resourceTypes.map(writtenSchema) as [z.ZodType, ...z.ZodType[]]))
  .max(10_000)
  .describe('Resources: each names one type and its subject, or several')

function writtenSchema(type: AnyResourceType): z.ZodType {
  const { [type.name]: subject = z.string(), ...options } = shapeOf(type)
  const several = type.grouped === true ? subject : z.union([subject, z.array(subject).min(1)])
  return z
    .strictObject({ [type.name]: several, ...options, ...commonSchema.shape })
    .describe(type.schema.description ?? type.name)
}
