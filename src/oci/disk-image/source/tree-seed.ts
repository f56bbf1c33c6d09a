import { createHash } from 'node:crypto'
import type { RootTree } from './root-tree.ts'

/** A digest of everything in a tree but the bytes of files: what identifiers are made of, so that they never differ for the same. */
export function treeSeed(tree: RootTree): string {
  const hash = createHash('sha256')
  for (const [path, node] of tree.entries()) {
    const { mode, uid, gid, modifiedAtS } = node.attributes
    const facts = [path, node.kind, mode, uid, gid, modifiedAtS]
    if (node.kind === 'file') facts.push(node.sizeBytes)
    if (node.kind === 'symlink') facts.push(node.target)
    hash.update(`${JSON.stringify(facts)}\n`)
  }
  return hash.digest('hex')
}

/** An identifier for a purpose. Source: RFC 9562, section 5.8 (version 8: made by rules of one's own). */
export function uuidOf(seed: string, purpose: string): string {
  const bytes = createHash('sha256').update(`${purpose}\n${seed}`).digest().subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x80
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
