import { z } from 'zod'
import type { InstalledPackage } from './installed-package.ts'

const text = z.string().min(1).max(1024)
const npmPackage = z.looseObject({
  name: text,
  version: text,
  license: z
    .union([text, z.looseObject({ type: text })])
    .optional()
    .catch(undefined),
})

/** One that has a name and a version, as all that are installed have. Source: package.json of npm. */
export function parseNpmPackage(json: string): InstalledPackage[] {
  let value: unknown
  try {
    value = JSON.parse(json.replace(/^\ufeff/, ''))
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
  const result = npmPackage.safeParse(value)
  if (!result.success) return []
  const { name, version, license } = result.data
  return [{ kind: 'npm', name, version, license: typeof license === 'object' ? license.type : license }]
}
