import { LarderError } from '../../core/index.ts'
import type { ReadRepomd } from './read-repomd.ts'
import { looksForSignature } from './read-repomd.ts'
import type { RememberedRepository } from './repository-memory.ts'
import { describe, type RepositorySource } from './repository-source.ts'

/**
 * Refuses a repomd.xml without a signature where one is a must: by `repoGpgcheck`, because there was one before (who
 * leaves it out should gain nothing), or because nothing else would be verified. SIGNATURE_MISSING. Pure.
 */
export function checkRepomdSignature(
  { signatureBlob }: Pick<ReadRepomd, 'signatureBlob'>,
  source: RepositorySource,
  before: Pick<RememberedRepository, 'signature'> | undefined,
): void {
  if (signatureBlob !== undefined || (!looksForSignature(source) && source.repoGpgcheck !== true)) return
  const why = reasonToInsist(source, before)
  if (why === undefined) return
  throw new LarderError('SIGNATURE_MISSING', {
    message: `${describe(source)}: there is a repomd.xml, but no repomd.xml.asc, ${why}`,
    hint: 'ask the publisher to sign it; repoGpgcheck: false on the upstream does without',
    context: { upstream: source.upstream },
  })
}

function reasonToInsist(
  { repoGpgcheck, gpgcheck, allowUnsigned }: RepositorySource,
  before: Pick<RememberedRepository, 'signature'> | undefined,
): string | undefined {
  if (repoGpgcheck === true) return 'which repoGpgcheck asks for'
  if (before?.signature !== undefined) return 'which there was before'
  return gpgcheck || allowUnsigned ? undefined : 'and its packages are not verified either'
}
