import { isDeepStrictEqual } from 'node:util'
import { isLarderError, readSiteFile, type SiteFiles } from '../../core/index.ts'
import type { DeclaredResource } from './parse-resources.ts'
import { templateVariables } from './render-template.ts'

type Variables = Readonly<Record<string, unknown>>

/** How what is merged holds a resource. */
interface Merging<Placed> {
  files: SiteFiles
  resourceOf: (one: Placed) => DeclaredResource
  withResource: (one: Placed, resource: DeclaredResource) => Placed
  /** That its templates may name. */
  variablesOf: (one: Placed) => Variables
}

/**
 * Two roles may ask for the same: what is declared again in just the same way is left out, of groups (packages) name by name; who
 * refers to it by an `id` of its own means what was declared first. What differs stays, and is refused as declared twice; so does a
 * template where what it shows has another value.
 */
export async function mergeEqual<Placed>(placed: readonly Placed[], merging: Merging<Placed>): Promise<Placed[]> {
  const kept: Placed[] = []
  const seen = new Map<string, { variables: Variables; at: number }[]>()
  /** Which of `kept` has asked for it before; undefined: it is new. */
  const earlier = async (one: Placed, options: unknown): Promise<number | undefined> => {
    const { type, when, after, notify } = merging.resourceOf(one)
    const variables = merging.variablesOf(one)
    const key = JSON.stringify([type.name, options, when, after, notify])
    const others = seen.get(key) ?? []
    seen.set(key, [...others, { variables, at: kept.length }])
    const named = others.length === 0 ? [] : await variablesNamed(merging.resourceOf(one), merging.files)
    return others.find((other) => named.every((name) => isDeepStrictEqual(other.variables[name], variables[name])))?.at
  }
  for (const one of placed) {
    const resource = merging.resourceOf(one)
    const parts = partsOf(resource)
    const before: (number | undefined)[] = []
    for (const part of parts) before.push(await earlier(one, part))
    const isNew = before.map((at) => at === undefined)
    const first = before[0]
    if (first !== undefined && !isNew.includes(true)) {
      kept[first] = merging.withResource(kept[first]!, alsoCalled(merging.resourceOf(kept[first]!), resource.id))
    } else {
      kept.push(isNew.includes(false) ? merging.withResource(one, onlyThose(resource, isNew)) : one)
    }
  }
  return kept
}

/** Its options; of a group, those of each by itself. */
function partsOf({ type, declared }: DeclaredResource): unknown[] {
  if (type.grouped !== true) return [declared]
  const options = declared as Record<string, unknown>
  return [options[type.name]].flat().map((name) => ({ ...options, [type.name]: name }))
}

function onlyThose(resource: DeclaredResource, isKept: readonly boolean[]): DeclaredResource {
  const { type, aliases } = resource
  const options = resource.declared as Record<string, unknown>
  const declared = { ...options, [type.name]: [options[type.name]].flat().filter((_, at) => isKept[at]) }
  return { ...resource, declared, aliases: aliases.filter((_, at) => isKept[at]) }
}

function alsoCalled(resource: DeclaredResource, id: string): DeclaredResource {
  const { aliases } = resource
  return resource.id === id || aliases.includes(id) ? resource : { ...resource, aliases: [...aliases, id] }
}

/** Variables whose values make its text. Of a template that cannot be read, none: that is told by itself. */
async function variablesNamed({ type, declared }: DeclaredResource, files: SiteFiles): Promise<string[]> {
  const named = (type.names?.(declared) ?? []).map(async ({ kind, name }) => {
    if (kind === 'inline') return namesIn(name, kind)
    const read = kind === 'template' ? await readSiteFile(files, name) : undefined
    return read !== undefined && 'bytes' in read ? namesIn(read.bytes.toString('utf8'), name) : []
  })
  return (await Promise.all(named)).flat()
}

function namesIn(text: string, file: string): string[] {
  try {
    return templateVariables(text, file)
  } catch (error) {
    if (!isLarderError(error, 'FLEET_TEMPLATE_INVALID')) throw error
    return []
  }
}
