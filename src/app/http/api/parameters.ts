import { z } from 'zod'

/** Numbers in addresses and queries: decimal digits only, so that `1e3`, ` 1` and `0x1` are refused. */
const digits = z
  .string()
  .regex(/^\d{1,9}$/, 'a whole number')
  .transform(Number)

export const mirrorName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'the name of a mirror')
export const mirrorParams = z.object({ mirror: mirrorName })
export const whyParams = z.object({ mirror: mirrorName, package: z.string().min(1).max(200) })
export const runParams = z.object({ run: digits })

export const packagesQuery = z.strictObject({
  snapshot: digits.optional().meta({ description: 'Default: the snapshot that is published' }),
})
export const diffQuery = z.strictObject({ from: digits, to: digits })
export const logQuery = z.strictObject({
  after: digits.optional().meta({ description: 'Only lines after this number' }),
  follow: z.enum(['0', '1']).optional().meta({ description: '1: server-sent events until the run has ended' }),
})

export const ownPackageQuery = z.strictObject({
  label: z.string().max(300).optional().meta({ description: 'Names the file in errors' }),
})
export const removeOwnBody = z.strictObject({
  name: z.string().min(1).max(200),
  version: z.string().min(1).max(200).optional().meta({ description: 'Default: every version' }),
})
export const promoteBody = z.strictObject({ snapshot: z.number().int().positive() })
