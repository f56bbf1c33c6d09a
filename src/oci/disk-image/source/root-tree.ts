import { LarderError } from '../../../core/index.ts'
import { readable, splitRootPath } from './root-path.ts'

export interface Attributes {
  /** Permission bits, with setuid, setgid and sticky. */
  mode: number
  uid: number
  gid: number
  /** Seconds since 1970. */
  modifiedAtS: number
  extendedAttributes: ReadonlyMap<string, Buffer>
}

export type RootNode = Folder | RootFile | Symlink | Special

export interface Folder {
  kind: 'folder'
  attributes: Attributes
  entries: Map<string, Entry>
}

/** One object under several names is a file with several links. */
export interface RootFile {
  kind: 'file'
  attributes: Attributes
  sizeBytes: number
  /** Where its bytes lie on this machine: a string of bytes. */
  contentPath: string
}

export interface Symlink {
  kind: 'symlink'
  attributes: Attributes
  target: string
}

export interface Special {
  kind: 'character' | 'block' | 'pipe'
  attributes: Attributes
  major: number
  minor: number
}

interface Entry {
  node: RootNode
  /** The layer that brought it: a whiteout hides what is older. */
  layer: number
}

export const defaultAttributes: Attributes = {
  mode: 0o755,
  uid: 0,
  gid: 0,
  modifiedAtS: 0,
  extendedAttributes: new Map(),
}

/** As in path_resolution(7). */
const maxSymlinks = 40

/**
 * A root file system in memory, with the bytes of its files elsewhere. Symlinks are followed inside it alone, so that
 * nothing that an image says can lead out of it. Paths are strings of bytes (latin1).
 */
export class RootTree {
  readonly root: Folder = { kind: 'folder', attributes: defaultAttributes, entries: new Map() }

  /** Puts a node in the place of what was there; a folder that was there keeps its entries when a folder comes. */
  put(path: string, node: RootNode, layer = 0): void {
    const names = splitRootPath(path)
    const name = names.pop()
    if (name === undefined) {
      if (node.kind === 'folder') this.root.attributes = node.attributes
      return
    }
    const { entries } = this.#makeFolder(names, layer, path)
    const old = entries.get(name)?.node
    if (node.kind === 'folder' && old?.kind === 'folder') {
      old.attributes = node.attributes
      entries.set(name, { node: old, layer })
    } else entries.set(name, { node, layer })
  }

  /** What is there, symlinks followed unless told otherwise; undefined for nothing. */
  find(path: string, { followsLast = true }: { followsLast?: boolean } = {}): RootNode | undefined {
    return this.#walk(splitRootPath(path), { followsLast })
  }

  /** Takes away what is there, of layers before this one. */
  hide(path: string, layer: number): void {
    const names = splitRootPath(path)
    const name = names.pop()
    const folder = this.#walk(names, { followsLast: true })
    if (name === undefined || folder?.kind !== 'folder') return
    const entry = folder.entries.get(name)
    if (entry && prune(entry, layer)) folder.entries.delete(name)
  }

  /** Takes away what is in a folder, of layers before this one. */
  hideEntries(path: string, layer: number): void {
    const folder = this.#walk(splitRootPath(path), { followsLast: true })
    if (folder?.kind !== 'folder') return
    for (const [name, entry] of folder.entries) if (prune(entry, layer)) folder.entries.delete(name)
  }

  /** Everything but the root itself, folders before what is in them, by name. */
  *entries(folder: Folder = this.root, parent = ''): Generator<[path: string, node: RootNode]> {
    for (const [name, node] of sortedEntries(folder)) {
      const path = `${parent}/${name}`
      yield [path, node]
      if (node.kind === 'folder') yield* this.entries(node, path)
    }
  }

  #makeFolder(names: readonly string[], layer: number, path: string): Folder {
    const there = this.#walk(names, { followsLast: true, makesFolders: layer })
    if (there?.kind === 'folder') return there
    throw new LarderError('DISK_IMAGE_SOURCE_INVALID', {
      message: `The image has an entry ${JSON.stringify(readable(path))}, and what stands before it is no folder.`,
      hint: 'The image is damaged, or its layers are in the wrong order: build it again.',
      context: { path: readable(path) },
    })
  }

  #walk(names: readonly string[], options: WalkOptions): RootNode | undefined {
    const left = [...names].reverse()
    const trail: Folder[] = [this.root]
    let last: RootNode = this.root
    let symlinks = 0
    while (left.length > 0) {
      const name = left.pop()!
      if (name === '..') {
        if (trail.length > 1) trail.pop()
        last = trail.at(-1)!
        continue
      }
      const found = stepInto(trail.at(-1)!, name, options)
      if (found?.kind === 'symlink' && (left.length > 0 || options.followsLast)) {
        if (++symlinks > maxSymlinks) return undefined
        if (found.target.startsWith('/')) trail.length = 1
        last = trail.at(-1)!
        left.push(...found.target.split('/').filter(isName).reverse())
      } else if (found?.kind === 'folder') {
        last = found
        trail.push(found)
      } else {
        return left.length > 0 ? undefined : found
      }
    }
    return last
  }
}

interface WalkOptions {
  followsLast: boolean
  /** The layer that folders are made for where there is nothing. Default: none are made. */
  makesFolders?: number
}

function stepInto(folder: Folder, name: string, { makesFolders }: WalkOptions): RootNode | undefined {
  const found = folder.entries.get(name)?.node
  if (found !== undefined || makesFolders === undefined) return found
  const made: Folder = { kind: 'folder', attributes: defaultAttributes, entries: new Map() }
  folder.entries.set(name, { node: made, layer: makesFolders })
  return made
}

function isName(text: string): boolean {
  return text !== '' && text !== '.'
}

export function sortedEntries(folder: Folder): [name: string, node: RootNode][] {
  return [...folder.entries]
    .map(([name, { node }]): [string, RootNode] => [name, node])
    .sort(([left], [right]) => (left < right ? -1 : 1))
}

/** Whether nothing is left of it. */
function prune(entry: Entry, layer: number): boolean {
  if (entry.node.kind === 'folder') {
    const { entries } = entry.node
    for (const [name, inner] of entries) if (prune(inner, layer)) entries.delete(name)
    if (entries.size > 0) return false
  }
  return entry.layer < layer
}
