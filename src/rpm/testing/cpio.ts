export interface CpioEntry {
  path: string
  /** With the type of the file: 0o100644, 0o040755. */
  mode: number
  content: Buffer
}

/** An archive of the form "newc", whose paths begin with `./`, as rpm wants it. Source: cpio(5). */
export function cpio(entries: readonly CpioEntry[], mtime: number): Buffer {
  const parts = entries.flatMap(({ path, mode, content }, at) =>
    member(`.${path}`, { mode, content, mtime, inode: at + 1 }),
  )
  return Buffer.concat([...parts, ...member('TRAILER!!!', { mode: 0, content: Buffer.alloc(0), mtime: 0, inode: 0 })])
}

function member(
  name: string,
  { mode, content, mtime, inode }: { mode: number; content: Buffer; mtime: number; inode: number },
): Buffer[] {
  const nameBytes = Buffer.from(`${name}\0`)
  const fields = [inode, mode, 0, 0, 1, mtime, content.length, 0, 0, 0, 0, nameBytes.length, 0]
  const head = Buffer.concat([
    Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`),
    nameBytes,
  ])
  return [head, padding(head.length), content, padding(content.length)]
}

function padding(length: number): Buffer {
  return Buffer.alloc((4 - (length % 4)) % 4)
}
