import { LarderError, type Progress } from '../../core/index.ts'
import type { Fetcher, FetchResult, LabelledRequest } from '../../fetch/index.ts'
import type { BlobStore, LeaseId } from '../../store/index.ts'
import { checkStored, expectationOf, nameOf } from './checksum.ts'
import type { DataFile, PromisedFile } from './data-file.ts'
import type { RememberedRepository } from './repository-memory.ts'
import { describe, urlsBelow, type RepositorySource } from './repository-source.ts'

interface Fetching {
  fetcher: Fetcher
  store: BlobStore
  lease: LeaseId
  signal: AbortSignal
  progress: Progress
}

/**
 * Brings data files into the store, as repomd.xml promises them. What is known by its checksum is not fetched again.
 * RPM_INDEX_MISSING, RPM_CHECKSUM_REFUSED, RPM_HREF_REFUSED, DIGEST_MISMATCH, SIZE_MISMATCH, FETCH_*.
 */
export async function fetchFiles(
  { fetcher, store, lease, signal, progress }: Fetching,
  source: RepositorySource,
  {
    files,
    baseUrls,
    known,
  }: { files: readonly PromisedFile[]; baseUrls: readonly string[]; known: RememberedRepository['files'] },
): Promise<DataFile[]> {
  const requests = files.map((file): LabelledRequest => {
    const label = `${source.upstream} ${file.href}`
    const before = known.find(({ promised }) => promised === nameOf(file.checksum))
    return {
      label,
      urls: urlsBelow(baseUrls, file.href, label),
      expected: {
        ...expectationOf(file.checksum, file.sizeBytes, label),
        ...(before === undefined ? {} : { sha256: before.digest.slice('sha256:'.length) }),
      },
      maxBytes: source.limits.indexBytes,
      lease,
    }
  })
  const results = await fetcher.fetchAll(requests, { signal, progress })
  const fetched: DataFile[] = []
  for (const [position, file] of files.entries()) {
    const stored = present(results[position]!, source, file)
    const isKnown = known.some(({ promised }) => promised === nameOf(file.checksum))
    if (!isKnown) await checkStored(store, stored.digest, { checksum: file.checksum, label: requests[position]!.label })
    fetched.push({ ...file, digest: stored.digest, sizeBytes: stored.sizeBytes })
  }
  return fetched
}

function present(result: FetchResult, source: RepositorySource, file: PromisedFile) {
  if (result.kind === 'fetched') return result
  throw new LarderError('RPM_INDEX_MISSING', {
    message: `${describe(source)}: repomd.xml promises ${file.href}, but it is not there`,
    context: { upstream: source.upstream, href: file.href },
  })
}
