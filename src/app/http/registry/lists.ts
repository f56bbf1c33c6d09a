import { LarderError } from '../../../core/index.ts'
import { mediaTypes, parseDigest, parseRepositoryName, type RepositoryName } from '../../../oci/index.ts'
import { type Exchange, answer, nextPage, pageOf } from './exchange.ts'

/** GET `/v2/<name>/tags/list`. Source: OCI distribution-spec, end-8. */
export async function serveTags(exchange: Exchange, repository: RepositoryName): Promise<void> {
  const asked = pageOf(exchange)
  const page = await exchange.registry.tags(repository, asked)
  if (page === undefined) {
    throw new LarderError('OCI_NAME_UNKNOWN', {
      message: `There is no repository ${repository}.`,
      hint: 'Those that there are: GET /v2/_catalog.',
    })
  }
  const path = `${exchange.prefix}/v2/${repository}/tags/list`
  answer(exchange, 200, linkOf(page, path, asked.count), { name: repository, tags: page.items })
}

/** GET `/v2/_catalog`: of what is there, what may be pulled. */
export async function serveCatalog(exchange: Exchange): Promise<void> {
  const asked = pageOf(exchange)
  const page = await exchange.registry.repositories(asked)
  const headers = linkOf(page, `${exchange.prefix}/v2/_catalog`, asked.count)
  const repositories = page.items.filter((name) => exchange.mayPull(parseRepositoryName(name)))
  answer(exchange, 200, headers, { repositories })
}

/** GET `/v2/<name>/referrers/<digest>`: never 404. Source: OCI distribution-spec, end-12. */
export async function serveReferrers(exchange: Exchange, repository: RepositoryName, text: string): Promise<void> {
  const subject = parseDigest(text)
  const artifactType = exchange.query.get('artifactType') ?? undefined
  const { last } = pageOf(exchange)
  const filter: { artifactType?: string } = artifactType === undefined ? {} : { artifactType }
  const page = await exchange.registry.referrers(repository, subject, {
    ...filter,
    ...(last === undefined ? {} : { last }),
  })
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: page.descriptors }
  const next = page.descriptors.at(-1)?.digest ?? ''
  const path = `${exchange.prefix}/v2/${repository}/referrers/${subject}`
  const headers = {
    'content-type': mediaTypes.index,
    ...(artifactType === undefined ? {} : { 'oci-filters-applied': 'artifactType' }),
    ...(page.more ? nextPage(path, { ...filter, last: next }) : {}),
  }
  answer(exchange, 200, headers, index)
}

function linkOf({ items, more }: { items: string[]; more: boolean }, path: string, count: number | undefined) {
  const last = items.at(-1)
  return more && last !== undefined ? nextPage(path, { n: String(count), last }) : {}
}
