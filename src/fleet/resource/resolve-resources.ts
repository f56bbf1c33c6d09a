import { isLarderError, LarderError, retell, type SiteFiles } from '../../core/index.ts'
import { mergeEqual } from './merge-equal.ts'
import { orderOf } from './order-resources.ts'
import type { DeclaredResource } from './parse-resources.ts'
import { referredTo } from './resource-references.ts'
import type { ResolveRoom, Resource } from './resource-type.ts'
import { rivalsAmong } from './rivals.ts'
import { excludeEachOther } from './when.ts'

/** A declared resource, and the room that its files and variables come from: each role has its own. */
export interface PlacedResource {
  readonly resource: DeclaredResource
  readonly room: ResolveRoom
}

/**
 * What is declared of one machine as what is wanted on it, in an order that holds all that was written and implied.
 * FLEET_RESOURCE_INVALID for two of one name and for names that mean nothing; FLEET_TEMPLATE_INVALID,
 * FLEET_SECRET_UNKNOWN, FLEET_MIRROR_UNKNOWN, FLEET_IMAGE_UNKNOWN with the origin of the resource.
 */
export async function resolveResources(declared: readonly PlacedResource[]): Promise<Resource[]> {
  if (declared[0] === undefined) return []
  const { files } = declared[0].room
  const placed = await mergeEqual(declared, {
    files,
    resourceOf: ({ resource }) => resource,
    withResource: (one, resource) => ({ ...one, resource }),
    variablesOf: ({ room }) => room.variables,
  })
  const all = placed.map(({ resource }) => resource)
  refuseTwins(all)
  await refuseRivals(all, files)
  const desired = await Promise.all(placed.map(resolveOne))
  const index = new Map(all.map((one, at) => [one, at]))
  const indices = (names: readonly string[]): number[] =>
    names.flatMap((name) => referredTo(name, all)).map((one) => index.get(one)!)
  const written = all.flatMap((one, to) => {
    refuseUnknown(one, all)
    return indices(one.after).map((from) => ({ from, to }))
  })
  const notified = all.flatMap((one, from) => indices(one.notify).map((to) => ({ from, to })))
  const implied = all.flatMap((one, to) => indices(one.type.after?.(desired[to]) ?? []).map((from) => ({ from, to })))
  const before = orderOf(all.length, written, [...notified, ...implied])
  return all.map((one, at) => ({
    id: one.id,
    type: one.type,
    desired: desired[at],
    when: one.when,
    after: [...new Set([...before[at]!].map((from) => all[from]!.id))],
    notify: [...new Set(indices(one.notify).map((to) => all[to]!.id))],
    origin: one.origin,
  }))
}

async function resolveOne({ resource, room }: PlacedResource): Promise<unknown> {
  try {
    return (await resource.type.resolve(resource.declared, room)) as unknown
  } catch (error) {
    if (!isLarderError(error)) throw error
    const { id, origin } = resource
    throw retell(error, `${id} (${origin}): ${error.message}`, { resource: id, origin })
  }
}

function refuseTwins(all: readonly DeclaredResource[]): void {
  const seen = new Map<string, DeclaredResource[]>()
  for (const one of all) {
    for (const name of new Set([one.id, ...one.aliases])) {
      const others = seen.get(name) ?? []
      const twin = others.find(({ when }) => !excludeEachOther(when, one.when))
      if (twin !== undefined) {
        throw new LarderError('FLEET_RESOURCE_INVALID', {
          message: `${name} is declared twice: ${twin.origin} and ${one.origin}.`,
          hint: 'Leave one of them out; or make them exclude each other by `when`.',
          context: { resource: name, origins: [twin.origin, one.origin] },
        })
      }
      seen.set(name, [...others, one])
    }
  }
}

async function refuseRivals(all: readonly DeclaredResource[], files: SiteFiles): Promise<void> {
  const [rivals] = await rivalsAmong(all, files)
  if (rivals === undefined) return
  const { first, second, about } = rivals
  throw new LarderError('FLEET_RESOURCE_INVALID', {
    message: `${first.id} (${first.origin}) and ${second.id} (${second.origin}) make different things of ${about}.`,
    hint: 'Each run would undo what the other has done: declare it once; or make them exclude each other by `when`.',
    context: { resource: second.id, origins: [first.origin, second.origin] },
  })
}

function refuseUnknown(one: DeclaredResource, all: readonly DeclaredResource[]): void {
  for (const name of [...one.after, ...one.notify]) {
    if (referredTo(name, all).length > 0) continue
    throw new LarderError('FLEET_RESOURCE_INVALID', {
      message: `${one.id} (${one.origin}) names ${name}, which is not declared on this machine.`,
      hint: 'A resource is named by its id, or by type:subject.',
      context: { resource: one.id, origin: one.origin },
    })
  }
}
