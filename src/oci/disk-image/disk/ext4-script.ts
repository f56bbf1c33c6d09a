import { LarderError } from '../../../core/index.ts'
import { readable } from '../source/root-path.ts'
import { sortedEntries, type Attributes, type Folder, type RootNode, type RootTree } from '../source/root-tree.ts'

export interface ScriptFiles {
  /** An empty file of this machine. */
  emptyFile: string
  /** Keeps the bytes of an extended attribute in a file of this machine. */
  keep: (value: Buffer) => string
}

/**
 * What debugfs(8) is to do so that an empty ext4 has the content of a tree, a line each, as strings of bytes. The order
 * depends on names alone. Owners, device nodes and capabilities need no rights here, since they are only written.
 *
 * @throws DISK_IMAGE_SOURCE_INVALID for what cannot be written down so
 */
export function* ext4Script(tree: RootTree, files: ScriptFiles): Generator<string> {
  const context: Context = { ...files, links: countLinks(tree), written: new Map() }
  yield* writeFolder(tree.root, '', context)
  yield* setAttributes('/', 0o040000, tree.root.attributes, context)
}

interface Context extends ScriptFiles {
  links: ReadonlyMap<RootNode, number>
  /** Where a node was written first. */
  written: Map<RootNode, string>
}

function* writeFolder(folder: Folder, path: string, context: Context): Generator<string> {
  // mke2fs makes it.
  const entries = sortedEntries(folder).filter(([name]) => path !== '' || name !== 'lost+found')
  if (entries.length > 0) yield line('cd', `${path}/`)
  for (const [name, node] of entries) {
    const first = context.written.get(node)
    if (first !== undefined) yield* writeLink(name, first, context)
    else yield* writeNode(name, node, context)
    context.written.set(node, first ?? `${path}/${name}`)
  }
  for (const [name, node] of entries) {
    if (node.kind !== 'folder') continue
    yield* writeFolder(node, `${path}/${name}`, context)
    yield* setAttributes(`${path}/${name}`, 0o040000, node.attributes, context)
  }
}

/** `ln` fails where a folder's blocks are full and `write` does not, so a file goes before and leaves room. */
function* writeLink(name: string, first: string, { emptyFile }: Context): Generator<string> {
  yield line('write', emptyFile, name)
  yield line('rm', `./${name}`)
  yield line('ln', first, name)
}

function* writeNode(name: string, node: RootNode, context: Context): Generator<string> {
  switch (node.kind) {
    case 'folder':
      yield line('mkdir', name)
      return
    case 'file':
      yield line('write', node.contentPath, name)
      break
    case 'symlink':
      yield line('symlink', name, checkedTarget(name, node.target))
      break
    case 'pipe':
      yield line('mknod', name, 'p')
      break
    case 'character':
    case 'block':
      yield line('mknod', name, node.kind[0]!, String(node.major), String(node.minor))
  }
  const links = context.links.get(node) ?? 1
  if (links > 1) yield set(`./${name}`, 'links_count', String(links))
  yield* setAttributes(`./${name}`, typeBits[node.kind], node.attributes, context)
}

/** Source: inode(7), "The file type and mode". */
const typeBits = {
  file: 0o100000,
  symlink: 0o120000,
  character: 0o020000,
  block: 0o060000,
  pipe: 0o010000,
} as const

function* setAttributes(path: string, type: number, attributes: Attributes, { keep }: Context): Generator<string> {
  const mode = type === typeBits.symlink ? 0o777 : attributes.mode
  yield set(path, 'mode', `0${(type | mode).toString(8)}`)
  if (attributes.uid !== 0) yield set(path, 'uid', String(attributes.uid))
  if (attributes.gid !== 0) yield set(path, 'gid', String(attributes.gid))
  yield set(path, 'mtime', `@${Math.min(Math.max(attributes.modifiedAtS, 0), maxTimeS)}`)
  for (const [name, value] of [...attributes.extendedAttributes].sort(([left], [right]) => (left < right ? -1 : 1)))
    if (keptAttributes.test(name)) yield line('ea_set', '-f', keep(value), path, name)
}

/** Labels of security modules and notes of union file systems are of the machine where the image was built. */
const keptAttributes = /^(?:security\.capability|user\.[\x21-\x7e]+)$/

/** What ext4 can tell, in seconds since 1970. */
const maxTimeS = 2 ** 33

function set(path: string, field: string, value: string): string {
  return line('set_inode_field', path, field, value)
}

/** debugfs reads as many bytes a line. */
const maxLineBytes = 8000

function line(command: string, ...values: string[]): string {
  const text = [command, ...values.map((value) => `"${value.replaceAll('"', '""')}"`)].join(' ')
  if (text.length <= maxLineBytes && !text.includes('\n')) return text
  throw new LarderError('DISK_IMAGE_SOURCE_INVALID', {
    message: `The image has an entry whose path is longer than can be written: ${readable(text.slice(0, 200))}`,
  })
}

function checkedTarget(name: string, target: string): string {
  if (target !== '' && !/[\0\n]/.test(target)) return target
  throw new LarderError('DISK_IMAGE_SOURCE_INVALID', {
    message: `The image has a symbolic link ${JSON.stringify(readable(name))} to nowhere.`,
    hint: 'Build the image again.',
  })
}

function countLinks(tree: RootTree): Map<RootNode, number> {
  const links = new Map<RootNode, number>()
  for (const [, node] of tree.entries()) if (node.kind !== 'folder') links.set(node, (links.get(node) ?? 0) + 1)
  return links
}
