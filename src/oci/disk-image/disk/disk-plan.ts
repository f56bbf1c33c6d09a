import { LarderError, formatBytes } from '../../../core/index.ts'
import type { RootTree } from '../source/root-tree.ts'
import { fatVolumeBytes } from './fat.ts'

/** Where everything lies, in bytes from the beginning of the disk; all are multiples of a MiB. */
export interface DiskPlan {
  diskBytes: number
  biosBoot: Extent
  /** Undefined for a disk that only BIOS starts. */
  efiSystem: Extent | undefined
  root: Extent
  inodes: number
  journalBytes: number
}

export interface Extent {
  startBytes: number
  sizeBytes: number
}

const mebibyte = 1024 * 1024
const blockBytes = 4096
/** A journal may take half of a file system, and more of it than this serves nobody. */
const smallestRootBytes = 64 * mebibyte
/** Room for what the machine writes, where nobody says how large the disk is to be. */
const spareBytes = 256 * mebibyte

/**
 * Lays out a disk for a root. The root's partition is the last, so that it can grow with the disk.
 *
 * @param sizeBytes of the whole disk, rounded down to a MiB. Default: what is needed, a quarter more, and 256 MiB
 * @throws DISK_IMAGE_TOO_SMALL
 */
export function planDisk(tree: RootTree, options: { hasEfi: boolean; sizeBytes?: number }): DiskPlan {
  const content = measure(tree)
  const biosBoot = { startBytes: mebibyte, sizeBytes: mebibyte }
  const efiSystem = options.hasEfi ? { startBytes: 2 * mebibyte, sizeBytes: fatVolumeBytes } : undefined
  const startBytes = efiSystem ? efiSystem.startBytes + efiSystem.sizeBytes : 2 * mebibyte
  const neededBytes = startBytes + Math.max(content.sizeBytes, smallestRootBytes) + mebibyte
  const sizeBytes = options.sizeBytes ?? neededBytes * 1.25 + spareBytes
  const diskBytes = Math.floor(sizeBytes / mebibyte) * mebibyte
  if (diskBytes < neededBytes) throw tooSmall(diskBytes, neededBytes)
  const root = { startBytes, sizeBytes: diskBytes - startBytes - mebibyte }
  const inodes = Math.max(content.inodes, Math.floor(root.sizeBytes / 16384))
  return { diskBytes, biosBoot, efiSystem, root, inodes, journalBytes: journalFor(root.sizeBytes) }
}

export function tooSmall(diskBytes: number, neededBytes?: number): LarderError {
  const needed = neededBytes === undefined ? 'more' : `at least ${formatBytes(neededBytes)}`
  return new LarderError('DISK_IMAGE_TOO_SMALL', {
    message: `The disk is to have ${formatBytes(diskBytes)}, and the content of the image needs ${needed}.`,
    hint: 'Give the disk a larger size, or leave the size out: then it fits the content.',
    context: { diskBytes, ...(neededBytes === undefined ? {} : { neededBytes }) },
  })
}

function journalFor(rootBytes: number): number {
  return (rootBytes < 1024 * mebibyte ? 16 : 64) * mebibyte
}

/** What ext4 takes for this tree, a little generously. */
function measure(tree: RootTree): { sizeBytes: number; inodes: number } {
  const seen = new Set<object>()
  let sizeBytes = 0
  for (const [, node] of tree.entries()) {
    if (seen.has(node)) continue
    seen.add(node)
    if (node.kind === 'file') sizeBytes += Math.ceil(node.sizeBytes / blockBytes) * blockBytes
    if (node.kind === 'folder')
      sizeBytes += blockBytes + [...node.entries.keys()].reduce((sum, name) => sum + name.length + 12, 0)
    if (node.attributes.extendedAttributes.size > 0) sizeBytes += blockBytes
  }
  const inodes = Math.ceil(seen.size * 1.25) + 1000
  const journalBytes = journalFor(sizeBytes * 1.25)
  // Inodes, journal, and a hundredth for bitmaps, descriptors, extents and the reserve.
  return { inodes, sizeBytes: Math.ceil((sizeBytes + inodes * 256 + journalBytes) * 1.02) }
}
