import { z } from 'zod'
import type { HostFacts, When } from './resource-type.ts'

/** Whether a resource is for this host. */
export function holdsFor(when: When | undefined, host: HostFacts): boolean {
  if (when === undefined) return true
  return (
    (when.os?.includes(host.os) ?? true) &&
    (when.family?.includes(host.family) ?? true) &&
    (when.version?.some((version) => host.version === version || host.version.startsWith(`${version}.`)) ?? true) &&
    (when.codename?.includes(host.codename) ?? true)
  )
}

/** Whether no host can have both, as far as it can be told from what is written. */
export function excludeEachOther(left: When | undefined, right: When | undefined): boolean {
  if (left === undefined || right === undefined) return false
  return (['os', 'family', 'codename'] as const).some((key) => {
    const others = right[key]
    return left[key] !== undefined && others !== undefined && !left[key].some((value) => others.includes(value))
  })
}

const word = z
  .string('text is needed: put it in quotes')
  .regex(/^[a-z0-9._-]{1,64}$/, 'small letters, digits and . _ - are needed')
const words = z
  .union([word, z.array(word).min(1).max(20)])
  .transform((value) => (Array.isArray(value) ? value : [value]))
const family = z.enum(['debian', 'rhel'])

export const whenSchema = z
  .strictObject({
    os: words.optional().describe('ID in /etc/os-release: `debian`, `ubuntu`, `rocky`'),
    family: z
      .union([family, z.array(family).min(1)])
      .transform((value) => (Array.isArray(value) ? value : [value]))
      .optional()
      .describe('`debian` (Ubuntu, too) or `rhel` (Fedora, Rocky and their like)'),
    version: words.optional().describe('VERSION_ID in /etc/os-release, or its beginning: "12", "9"'),
    codename: words.optional().describe('VERSION_CODENAME: `bookworm`'),
  })
  .describe('Only on machines of which all of this holds; one of several values is enough')
