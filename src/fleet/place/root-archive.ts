export interface RootFile {
  /** Without a slash at its beginning. */
  path: string
  mode: number
  /** Of a file. */
  content?: string
  /** Where a symbolic link leads. Neither: a folder. */
  link?: string
}

/** Files of root's as an archive that is unpacked at /. The same files give the same bytes. Source: POSIX.1-2017, pax, "ustar Interchange Format". */
export async function rootArchive(files: readonly RootFile[]): Promise<Buffer> {
  const { pack } = await import('tar-stream')
  const archive = pack()
  for (const { path, mode, content, link } of files) {
    const owned = { name: path, mode, uid: 0, gid: 0, mtime: new Date(0) }
    if (content !== undefined) archive.entry(owned, content)
    else if (link !== undefined) archive.entry({ ...owned, type: 'symlink', linkname: link })
    else archive.entry({ ...owned, type: 'directory' })
  }
  archive.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of archive as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}
