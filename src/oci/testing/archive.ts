import { pack, type Header } from 'tar-stream'
import { collect } from '../../core/testing/collect.ts'

/** An entry as tar-stream writes it, with its bytes. */
export type ArchiveEntry = Partial<Header> & { name: string; content?: string | Buffer }

/** An archive by another writer than ours. */
export async function makeArchive(entries: readonly ArchiveEntry[]): Promise<Buffer> {
  const archive = pack()
  const parts = collect(archive as AsyncIterable<Buffer>)
  for (const { content = '', ...header } of entries)
    archive.entry({ mtime: new Date(1_700_000_000_000), ...header }, content)
  archive.finalize()
  return Buffer.concat(await parts)
}
