import { z } from 'zod'
import { LarderError, plainText } from '../core/index.ts'
import { isObjectId } from './git/ref-name.ts'

/** A full commit id. */
export const objectIdSchema = z.string().refine(isObjectId, 'a full commit id')
/** A time as forges write it; what is none counts as long ago. */
export const timeSchema = z
  .string()
  .max(60)
  .nullish()
  .transform((text) => {
    const at = new Date(text ?? 0)
    return Number.isNaN(at.getTime()) ? new Date(0) : at
  })
export const titleSchema = z
  .string()
  .nullish()
  .transform((text) =>
    plainText(text ?? '')
      .replaceAll(/\s+/g, ' ')
      .trim()
      .slice(0, 300),
  )
/** A login name, or '' where there is none. */
export const loginSchema = z
  .string()
  .max(300)
  .nullish()
  .transform((text) => plainText(text ?? ''))

/** A payload of an event that is as the forge documents it. HOOK_MALFORMED. */
export function readPayload<T>(
  schema: z.ZodType<T>,
  payload: unknown,
  { event, title }: { event: string; title: string },
): T {
  const result = schema.safeParse(payload)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new LarderError('HOOK_MALFORMED', {
    message: `The payload of ${JSON.stringify(event.slice(0, 100))} is not as ${title} documents it: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
  })
}

/** The JSON of a delivery, which nobody changes. HOOK_MALFORMED. */
export function parsePayload(text: string): unknown {
  // What a delivery means and what it is about are asked one after the other: parsing is most of either.
  if (text !== last.text) last = text.length > mostKept ? nothing : { text, value: parseJson(text) }
  return text === last.text ? last.value : parseJson(text)
}

const mostKept = 1_000_000
const nothing: { text: string | undefined; value: unknown } = { text: undefined, value: undefined }
let last = nothing

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    if (!(cause instanceof SyntaxError) && !(cause instanceof RangeError)) throw cause
    throw new LarderError('HOOK_MALFORMED', {
      message: 'The body of the delivery is no JSON.',
      hint: 'In the settings of the hook, choose the content type application/json.',
      cause,
    })
  }
}
