import { LarderError } from '../../core/index.ts'
import type { Fetcher, FetchResult } from '../../fetch/index.ts'
import type { BlobStore, LeaseId } from '../../store/index.ts'
import { parseMetalink, type RepomdPromise } from '../metalink.ts'
import { parseMirrorlist } from '../mirrorlist.ts'
import type { RememberedRepository } from './repository-memory.ts'
import { describe, type RepositorySource } from './repository-source.ts'

export interface RepositoryReader {
  fetcher: Fetcher
  store: BlobStore
  lease: LeaseId
  signal: AbortSignal
  now: Date
}

export interface Addresses {
  /** Each ending in `/`, the preferred one first. */
  baseUrls: readonly string[]
  /** What a metalink says of repomd.xml, the newest first. Undefined: nothing is promised. */
  promises?: readonly RepomdPromise[]
  /** What it was read from. */
  list?: NonNullable<RememberedRepository['list']>
}

/** Addresses of one list that are tried: the rest is as good as none. */
const mostAddresses = 12

/** Where a repository is now. RPM_MIRRORS_MISSING, RPM_METALINK_MALFORMED, FETCH_*. */
export async function findAddresses(
  reader: RepositoryReader,
  source: RepositorySource,
  before: RememberedRepository | undefined,
): Promise<Addresses> {
  const { place } = source
  if (place.kind === 'urls') return { baseUrls: place.urls }
  const list = await fetchList(reader, { source, url: place.url, before })
  const bytes = await reader.store.readWhole(list.blob)
  if (place.kind === 'mirrorlist') {
    const baseUrls = usable(parseMirrorlist(bytes).map(withSlash))
    return { baseUrls: refuseNone(baseUrls, source, place.url), list }
  }
  const { addresses, promises } = parseMetalink(bytes)
  const baseUrls = usable(addresses.flatMap(folderOfRepomd))
  return { baseUrls: refuseNone(baseUrls, source, place.url), promises, list }
}

async function fetchList(
  { fetcher, lease, signal }: RepositoryReader,
  { source, url, before }: { source: RepositorySource; url: string; before: RememberedRepository | undefined },
): Promise<NonNullable<RememberedRepository['list']>> {
  const known = before?.list
  const result: FetchResult = await fetcher.fetch(
    { urls: [url], maxBytes: source.limits.repomdBytes, lease, ...(known && { validators: known.validators }) },
    signal,
  )
  if (result.kind === 'not-modified') return known!
  if (result.kind === 'fetched') return { blob: result.digest, validators: result.validators }
  throw new LarderError('RPM_MIRRORS_MISSING', {
    message: `${describe(source)}: there is nothing at ${result.urls.join(', ')}`,
    hint: 'check the address of the mirrorlist or metalink',
    context: { upstream: source.upstream },
  })
}

function refuseNone(baseUrls: readonly string[], source: RepositorySource, url: string): readonly string[] {
  if (baseUrls.length > 0) return baseUrls
  throw new LarderError('RPM_MIRRORS_MISSING', {
    message: `${describe(source)}: ${url} names no http or https address`,
    context: { upstream: source.upstream },
  })
}

/** A list from outside leads to no file of this host. */
function usable(addresses: readonly string[]): string[] {
  const found = addresses.filter((address) => /^https?:\/\/[^/]/.test(address) && URL.canParse(address))
  return [...new Set(found)].slice(0, mostAddresses)
}

const withSlash = (url: string): string => (url.endsWith('/') ? url : `${url}/`)

function folderOfRepomd(url: string): string[] {
  const end = 'repodata/repomd.xml'
  return url.endsWith(`/${end}`) ? [url.slice(0, -end.length)] : []
}
