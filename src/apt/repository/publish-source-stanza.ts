import { hexOf, LarderError } from '../../core/index.ts'
import { checksumsOf } from '../source-files.ts'
import { splitFields, withoutTrailingBlank } from './publish-stanza.ts'
import type { RepositorySource } from './repository-source.ts'

/**
 * The stanza of a source package as we publish it: the upstream's bytes, with another `Directory` where the files
 * lie elsewhere. Every other byte is kept; the stanza ends with one newline.
 *
 * @throws DIGEST_MISMATCH when the stanza promises other files than those in the store
 */
export function publishSourceStanza(
  stanza: Buffer,
  place: Pick<RepositorySource, 'name' | 'files'> & { directory: string },
): Buffer {
  const bytes = withoutTrailingBlank(stanza)
  expectFiles(bytes, place)
  if (bytes.includes(`\nDirectory: ${place.directory}\n`, 0, 'latin1')) return bytes
  const fields = splitFields(bytes.toString('latin1'))
  const rewritten = fields.map(({ key, value, text }) =>
    key === 'directory' && value !== place.directory ? `Directory: ${place.directory}\n` : text,
  )
  if (!fields.some(({ key }) => key === 'directory')) rewritten.push(`Directory: ${place.directory}\n`)
  return Buffer.from(rewritten.join(''), 'latin1')
}

function expectFiles(stanza: Buffer, { name, files }: Pick<RepositorySource, 'name' | 'files'>): void {
  const promised = checksumsOf(stanza).map((file) => `${file.name} ${file.sizeBytes} ${file.sha256}`)
  const stored = files.map((file) => `${file.name} ${file.sizeBytes} ${hexOf(file.digest)}`)
  if (promised.join() === stored.join()) return
  throw new LarderError('DIGEST_MISMATCH', {
    message: `The index entry of source ${name} promises ${promised.join(', ')}, but the store has ${stored.join(', ')}.`,
    hint: 'Sync the mirror again: the upstream has probably changed since the source was fetched.',
    context: { package: name, promised, stored },
  })
}
