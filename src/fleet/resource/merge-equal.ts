import type { DeclaredResource } from './parse-resources.ts'

/**
 * Two roles may ask for the same: what is declared again in just the same way is left out, of groups (packages) name by name.
 * What differs stays, and is refused as declared twice.
 */
export function mergeEqual<Placed>(
  placed: readonly Placed[],
  resourceOf: (one: Placed) => DeclaredResource,
  withResource: (one: Placed, resource: DeclaredResource) => Placed,
): Placed[] {
  const seen = new Set<string>()
  return placed.flatMap((one) => {
    const resource = resourceOf(one)
    const { type, declared, aliases } = resource
    const identity = (options: unknown): string =>
      JSON.stringify([type.name, options, resource.when, resource.after, resource.notify])
    const isNew = (key: string): boolean => !seen.has(key) && seen.add(key).size > 0
    if (type.grouped !== true) return isNew(identity(declared)) ? [one] : []
    const options = declared as Record<string, unknown>
    const names = [options[type.name]].flat()
    const kept = names.map((name) => isNew(identity({ ...options, [type.name]: name })))
    if (!kept.includes(true)) return []
    if (!kept.includes(false)) return [one]
    const less = { ...options, [type.name]: names.filter((_, at) => kept[at]) }
    return [withResource(one, { ...resource, declared: less, aliases: aliases.filter((_, at) => kept[at]) })]
  })
}
