import { LarderError } from '../../core/index.ts'
import type { LabelledRequest } from '../../fetch/index.ts'
import type { LeaseId } from '../../store/index.ts'
import type { Checksum } from '../package-rows.ts'
import { expectationOf } from './checksum.ts'
import type { Repository } from './repository.ts'
import { describe, urlsBelow } from './repository-source.ts'

/** What a primary.xml promises of a package. */
export interface WantedPackage {
  /** `nginx-1.22-1.el9.x86_64`, for messages. */
  label: string
  /** As written. */
  href: string
  /** `xml:base`. */
  base: string | undefined
  sizeBytes: number
  checksum: Checksum
  /** SHA-256 of the file, where it was learned under another checksum. */
  knownSha256: string | undefined
}

/** Request for a package at every address of its repository. RPM_HREF_REFUSED, RPM_CHECKSUM_REFUSED. */
export function packageRequest(
  repository: Pick<Repository, 'source' | 'baseUrls'>,
  wanted: WantedPackage,
  { lease }: { lease: LeaseId },
): LabelledRequest {
  const { label, href, sizeBytes, checksum, knownSha256 } = wanted
  return {
    label,
    urls: urlsBelow(basesOf(repository, wanted), href, `${describe(repository.source)}: ${label}`),
    expected: {
      ...expectationOf(checksum, sizeBytes, label),
      ...(knownSha256 === undefined ? {} : { sha256: knownSha256 }),
    },
    maxBytes: repository.source.limits.packageBytes,
    lease,
  }
}

/** `xml:base` may lead below one of the upstream's own addresses, and nowhere else. */
function basesOf(
  { source, baseUrls }: Pick<Repository, 'source' | 'baseUrls'>,
  wanted: WantedPackage,
): readonly string[] {
  const { base, label } = wanted
  if (base === undefined) return baseUrls
  const address = URL.parse(base.endsWith('/') ? base : `${base}/`)?.href
  const isOwn = address !== undefined && baseUrls.some((own) => address.startsWith(URL.parse(own)?.href ?? own))
  if (isOwn && !/%(?:2e|2f|5c)|[?#]/i.test(address)) return [address]
  throw new LarderError('RPM_HREF_REFUSED', {
    message: `${describe(source)}: ${label} is at ${JSON.stringify(base.slice(0, 300))}, which is not below an address of the upstream`,
    hint: 'name that address as an upstream of its own',
    context: { upstream: source.upstream, base: base.slice(0, 300) },
  })
}
