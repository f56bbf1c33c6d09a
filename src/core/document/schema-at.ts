import type { z } from 'zod'
import type { Path } from './document.ts'

/** Names that an object at a path may have. */
export function knownKeys(schema: z.core.$ZodType, path: Path, value: unknown): string[] {
  const objects = schemasAt(schema, path, value).map((option) => definition(option).shape)
  return [...new Set(objects.flatMap((shape) => Object.keys(shape ?? {})))]
}

/**
 * The schemas that may apply at a path of a value, with everything that wraps them taken off. More than one where
 * unions leave a choice; of a discriminated union only the option that the value names.
 */
function schemasAt(schema: z.core.$ZodType, path: Path, value: unknown): z.core.$ZodType[] {
  const [step, ...rest] = path
  const bare = unwrap(schema, value)
  if (step === undefined) return bare
  const inner = (value as Record<string | number, unknown> | undefined)?.[step]
  return bare.flatMap((option) => {
    const next = below(option, step)
    return next === undefined ? [] : schemasAt(next, rest, inner)
  })
}

/** The parts of zod's definitions that are looked at here. */
interface Definition {
  type: string
  innerType?: z.core.$ZodType
  in?: z.core.$ZodType
  getter?: () => z.core.$ZodType
  shape?: Record<string, z.core.$ZodType>
  element?: z.core.$ZodType
  items?: z.core.$ZodType[]
  rest?: z.core.$ZodType | null
  valueType?: z.core.$ZodType
  options?: z.core.$ZodType[]
  discriminator?: string
}

function definition(schema: z.core.$ZodType): Definition {
  return schema._zod.def
}

function below(schema: z.core.$ZodType, step: string | number): z.core.$ZodType | undefined {
  const def = definition(schema)
  if (def.shape !== undefined) return Object.hasOwn(def.shape, step) ? def.shape[step] : undefined
  return def.element ?? def.valueType ?? def.items?.[Number(step)] ?? def.rest ?? undefined
}

function unwrap(schema: z.core.$ZodType, value: unknown): z.core.$ZodType[] {
  const def = definition(schema)
  if (def.type === 'lazy' && def.getter !== undefined) return unwrap(def.getter(), value)
  if (def.type === 'pipe' && def.in !== undefined) return unwrap(def.in, value)
  if (def.innerType !== undefined) return unwrap(def.innerType, value)
  if (def.options === undefined) return [schema]
  return chosen(def.options, def.discriminator, value).flatMap((option) => unwrap(option, value))
}

function chosen(options: z.core.$ZodType[], discriminator: string | undefined, value: unknown): z.core.$ZodType[] {
  if (discriminator === undefined) return options
  const tag = (value as Record<string, unknown> | undefined)?.[discriminator]
  return options.filter((option) => option._zod.propValues?.[discriminator]?.has(tag as string) === true)
}
