import type { State } from '../../state/index.ts'
import type { RepositoryName } from '../reference.ts'
import type { Page } from './registry.ts'

interface PageAsked {
  /** Most names to answer. Default: all. */
  count?: number
  /** Only names after this one. */
  last?: string
}

/** Source: OCI distribution-spec, "Listing Tags". */
export async function listTags(
  state: State,
  repository: RepositoryName,
  { count, last }: PageAsked,
): Promise<Page | undefined> {
  const rows = await state.db
    .selectFrom('oci_tags')
    .select('name')
    .where('repository', '=', repository)
    .$if(last !== undefined, (query) => query.where('name', '>', last ?? ''))
    .orderBy('name')
    .$if(count !== undefined, (query) => query.limit((count ?? 0) + 1))
    .execute()
  if (rows.length === 0 && !(await exists(state, repository))) return undefined
  return pageOf(
    rows.map(({ name }) => name),
    count,
  )
}

/** Source: the Docker registry's `_catalog`, which clients still ask for. */
export async function listRepositories(state: State, { count, last }: PageAsked): Promise<Page> {
  const names: string[] = []
  let after = last ?? ''
  // One step of the index for each repository, however many manifests it has.
  while (count === undefined || names.length <= count) {
    const row = await state.db
      .selectFrom('oci_manifests')
      .select('repository')
      .where('repository', '>', after)
      .orderBy('repository')
      .limit(1)
      .executeTakeFirst()
    if (row === undefined) break
    names.push(row.repository)
    after = row.repository
  }
  return pageOf(names, count)
}

function pageOf(names: string[], count: number | undefined): Page {
  if (count === undefined || names.length <= count) return { items: names, more: false }
  // An empty page has no last name to go on from.
  return { items: names.slice(0, count), more: count > 0 }
}

async function exists({ db }: State, repository: RepositoryName): Promise<boolean> {
  const manifest = await db
    .selectFrom('oci_manifests')
    .select('digest')
    .where('repository', '=', repository)
    .limit(1)
    .executeTakeFirst()
  if (manifest !== undefined) return true
  const blob = await db
    .selectFrom('oci_blobs')
    .select('digest')
    .where('repository', '=', repository)
    .limit(1)
    .executeTakeFirst()
  return blob !== undefined
}
