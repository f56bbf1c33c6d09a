import { readTag } from './read-tag.ts'

/** A tag of a fragment whose element is well-formed. */
export interface FragmentTag {
  kind: 'open' | 'close' | 'empty'
  /** As written, with its prefix. */
  name: string
  /** What stands between the name and the end of the tag. */
  attributes: string
  /** How many elements it is in: 0 for the package itself. */
  depth: number
  /** In characters of the text; the end exclusive. */
  start: number
  end: number
}

/**
 * The tags of one XML element, in order; undefined when it is not well-formed by itself: a tag that is not closed, a
 * reference to an entity that is not one of XML's own, anything beside the element. Comments, CDATA and the like must
 * have been taken out. One pass.
 */
export function scanFragment(text: string): FragmentTag[] | undefined {
  if (unknownReference.test(text)) return undefined
  const tags: FragmentTag[] = []
  const open: string[] = []
  let at = 0
  for (;;) {
    const start = text.indexOf('<', at)
    if (start < 0) break
    const written = readTag(text, start)
    if (written === undefined) return undefined
    const { kind, name, attributes, end } = written
    if (kind === 'close' && open.pop() !== name) return undefined
    const tag: FragmentTag = { kind, name, attributes, depth: open.length, start, end }
    if (!mayStandBetween(text.slice(at, start), tag, tags.length)) return undefined
    if (kind === 'open') open.push(name)
    tags.push(tag)
    at = end
  }
  return open.length === 0 && tags.length > 0 && text.slice(at).trim() === '' ? tags : undefined
}

/** Nothing at all around the outermost element, and no second one. */
function mayStandBetween(text: string, next: FragmentTag, count: number): boolean {
  if (text.includes(']]>')) return false
  if (next.depth > 0 || (next.kind === 'close' && count > 0)) return true
  return count === 0 && text.trim() === ''
}

/** Index of the tag that ends the element which begins with that of `index`. */
export function lastTagOf(tags: readonly FragmentTag[], index: number): number {
  const { kind, depth } = tags[index]!
  if (kind === 'empty') return index
  return tags.findIndex((tag, at) => at > index && tag.kind === 'close' && tag.depth === depth)
}

/** Name and value as written, references unresolved. Of a tag that was found well-formed: nothing is checked again. */
export function attributesOf({ attributes }: Pick<FragmentTag, 'attributes'>): { name: string; value: string }[] {
  const found: { name: string; value: string }[] = []
  for (let at = 0; ;) {
    const equals = attributes.indexOf('=', at)
    if (equals < 0) return found
    let start = equals + 1
    while (attributes[start] !== '"' && attributes[start] !== "'") start++
    const end = attributes.indexOf(attributes[start]!, start + 1)
    found.push({ name: attributes.slice(at, equals).trim(), value: attributes.slice(start + 1, end) })
    at = end + 1
  }
}

const unknownReference = /&(?!(?:lt|gt|amp|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)/
