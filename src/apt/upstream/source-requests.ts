import type { LabelledRequest } from '../../fetch/index.ts'
import type { LeaseId } from '../../store/index.ts'
import { checkFilename } from '../filename.ts'
import type { Suite } from './suite.ts'
import { urlsBelow } from './suite-source.ts'

/** What a Sources stanza promises of its files. */
export interface WantedSource {
  name: string
  version: string
  /** As in the stanza. */
  directory: string
  files: readonly { name: string; sizeBytes: number; sha256: string }[]
}

/** Requests for the files of a source package, in the same order, at every address of its suite. APT_FILENAME_REFUSED. */
export function sourceRequests(
  { source, baseUrls }: Pick<Suite, 'source' | 'baseUrls'>,
  { name, version, directory, files }: WantedSource,
  { lease }: { lease: LeaseId },
): LabelledRequest[] {
  return files.map((file) => ({
    label: `${name} ${version} source, ${file.name}`,
    urls: urlsBelow(baseUrls, checkFilename(`${directory}/${file.name}`)),
    expected: { sizeBytes: file.sizeBytes, sha256: file.sha256 },
    maxBytes: source.limits.packageBytes,
    lease,
    ...(source.proxy === undefined ? {} : { proxy: source.proxy }),
  }))
}
