import type { Transaction } from 'kysely'
import { LarderError } from '../../core/index.ts'
import type { Tables } from '../../state/index.ts'
import type { Descriptor } from '../descriptor.ts'
import type { Manifest } from '../manifest.ts'
import type { RepositoryName } from '../reference.ts'

/**
 * What a manifest names must be in its repository, and as long as it says: what is served is whole.
 * OCI_MANIFEST_INCOMPLETE, OCI_MANIFEST_INVALID.
 */
export async function requireLinked(
  transaction: Transaction<Tables>,
  repository: RepositoryName,
  manifest: Manifest,
): Promise<void> {
  await requireAll(transaction, { repository, table: 'oci_blobs', descriptors: manifest.blobs })
  await requireAll(transaction, { repository, table: 'oci_manifests', descriptors: manifest.manifests })
}

/** Digests of one question: SQLite takes 32,766 values. */
const digestsAtOnce = 1000

interface Required {
  repository: RepositoryName
  table: 'oci_blobs' | 'oci_manifests'
  descriptors: readonly Descriptor[]
}

async function requireAll(transaction: Transaction<Tables>, required: Required): Promise<void> {
  const { repository, table, descriptors } = required
  const digests = [...new Set(descriptors.map(({ digest }) => digest))]
  const sizes = new Map<string, number>()
  for (let start = 0; start < digests.length; start += digestsAtOnce) {
    const rows = await transaction
      .selectFrom(table)
      .select(['digest', 'size_bytes'])
      .where('repository', '=', repository)
      .where('digest', 'in', digests.slice(start, start + digestsAtOnce))
      .execute()
    for (const row of rows) sizes.set(row.digest, row.size_bytes)
  }
  const missing = digests.filter((digest) => !sizes.has(digest))
  if (missing.length > 0) throw incomplete(required, missing)
  const wrong = descriptors.find(({ digest, size }) => sizes.get(digest) !== size)
  if (wrong === undefined) return
  throw new LarderError('OCI_MANIFEST_INVALID', {
    message: `The manifest says that ${wrong.digest} has ${wrong.size} bytes; it has ${sizes.get(wrong.digest) ?? 0}.`,
    hint: 'Make the manifest again from what it names.',
  })
}

function incomplete({ repository, table }: Required, missing: readonly string[]): LarderError {
  const what = table === 'oci_blobs' ? 'blobs' : 'manifests'
  return new LarderError('OCI_MANIFEST_INCOMPLETE', {
    message: `The manifest names ${what} that ${repository} has not: ${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ` and ${missing.length - 5} more` : ''}.`,
    hint: 'Push them first, then the manifest again.',
    context: { missing: missing.slice(0, 100) },
  })
}
