import { fetchRefs, localRef, resolveRefs } from '../../forge/index.ts'
import type { DeliveryNews } from './delivery-news.ts'
import type { NewsContext } from './site-news.ts'

/**
 * Brings the refs that deliveries name, in one exchange with the forge, and answers where they are now. What only tells
 * of heads that are here already is not asked for: a merge is told of by several deliveries, and in a flood by hundreds.
 * GIT_FAILED, GIT_REF_REFUSED, CANCELLED.
 */
export async function bringRefs(
  { context, connected }: NewsContext,
  deliveries: readonly DeliveryNews[],
  onFetch: () => void,
): Promise<ReadonlyMap<string, string>> {
  const { repository, stopping } = context
  const named = [...new Set(deliveries.flatMap(({ refs }) => refs))]
  const found = await resolveRefs(
    repository,
    named.map((ref) => localRef(connected.remote, ref)),
  )
  const here = new Map<string, string>()
  for (const ref of named) {
    const commit = found.get(localRef(connected.remote, ref))
    if (commit !== undefined) here.set(ref, commit)
  }
  const wanted = new Set(deliveries.filter((one) => !isKnown(one, here)).flatMap(({ refs }) => refs))
  if (wanted.size > 0) onFetch()
  const fetched = await fetchRefs(repository, connected.remote, [...wanted], stopping)
  return new Map([...[...here].filter(([ref]) => !wanted.has(ref)), ...fetched])
}

function isKnown({ refs, heads = {} }: DeliveryNews, here: ReadonlyMap<string, string>): boolean {
  const said = Object.entries(heads)
  return said.length > 0 && refs.every((ref) => here.has(ref)) && said.every(([ref, head]) => here.get(ref) === head)
}
