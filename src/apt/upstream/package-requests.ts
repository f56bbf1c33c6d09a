import type { LabelledRequest } from '../../fetch/index.ts'
import type { LeaseId } from '../../store/index.ts'
import { checkFilename } from '../filename.ts'
import type { Suite } from './suite.ts'
import { urlsBelow } from './suite-source.ts'

/** What a Packages stanza promises of its file. */
export interface WantedPackage {
  name: string
  version: string
  architecture: string
  /** As in the stanza. */
  filename: string
  sizeBytes: number
  /** Lower-case hex; at least one of the two. */
  sha256?: string
  sha512?: string
}

/** Requests for packages of one suite, in the same order, at every address of it. APT_FILENAME_REFUSED. */
export function packageRequests(
  suite: Pick<Suite, 'source' | 'baseUrls'>,
  packages: readonly WantedPackage[],
  { lease }: { lease: LeaseId },
): LabelledRequest[] {
  return packages.map((wanted) => ({
    label: `${wanted.name} ${wanted.version} ${wanted.architecture}`,
    urls: urlsBelow(suite.baseUrls, checkFilename(wanted.filename)),
    expected: {
      sizeBytes: wanted.sizeBytes,
      ...(wanted.sha256 === undefined ? {} : { sha256: wanted.sha256 }),
      ...(wanted.sha512 === undefined ? {} : { sha512: wanted.sha512 }),
    },
    maxBytes: suite.source.limits.packageBytes,
    lease,
    ...(suite.source.proxy === undefined ? {} : { proxy: suite.source.proxy }),
  }))
}
