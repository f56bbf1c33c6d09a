import type { z } from 'zod'
import { malformed } from './exchange.ts'

/** A part of an answer that is as the forge documents it. FORGE_REFUSED. */
export function readAnswer<T>(schema: z.ZodType<T>, value: unknown, title: string): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw malformed(title, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
}
