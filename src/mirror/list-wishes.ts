import { digestOf, type Digest } from '../core/index.ts'
import type { ListedPackage } from './format.ts'

/**
 * Digest of what a list asks for, wherever in its file it is written. The same list is looked at once: the run after a
 * push has the very list of its check.
 */
export function wishesOf(list: readonly ListedPackage[]): Digest {
  const known = wishes.get(list)
  if (known !== undefined) return known
  const digest = digestOf(list.map(wishOf).join('\n'))
  wishes.set(list, digest)
  return digest
}

const wishes = new WeakMap<readonly ListedPackage[], Digest>()

/** A name alone is what most entries are, and 60,000 of them are not worth an object each; JSON begins with a bracket. */
function wishOf({ name, constraint, architecture, recommends, exclude }: ListedPackage): string {
  const isPlain =
    constraint === undefined && architecture === undefined && recommends === undefined && exclude.length === 0
  if (isPlain && plainName.test(name)) return name
  return JSON.stringify([name, constraint, architecture, recommends, exclude])
}

const plainName = /^[^\s[]+$/
