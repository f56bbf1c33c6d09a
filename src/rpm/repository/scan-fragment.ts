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
  for (const found of text.matchAll(tagPattern)) {
    const tag = tagOf(found, open)
    if (tag === undefined || !isBetweenTags(text.slice(at, tag.start), tag, tags.length)) return undefined
    tags.push(tag)
    at = tag.end
  }
  return open.length === 0 && tags.length > 0 && text.slice(at).trim() === '' ? tags : undefined
}

/** Undefined when it closes another element than the one that is open, or has an attribute twice. */
function tagOf({ 0: whole, index: start, ...groups }: RegExpExecArray, open: string[]): FragmentTag | undefined {
  const { 1: slash, 2: name = '', 3: attributes = '', 4: end } = groups
  const kind = slash === '/' ? 'close' : end === '/' ? 'empty' : 'open'
  if (kind === 'close' && (open.pop() !== name || attributes !== '' || end !== '')) return undefined
  if (kind !== 'close' && hasRepetition(attributes)) return undefined
  const tag: FragmentTag = { kind, name, attributes, depth: open.length, start, end: start + whole.length }
  if (kind === 'open') open.push(name)
  return tag
}

/** Nothing that looks like a tag and is none; nothing at all around the outermost element, and no second one. */
function isBetweenTags(text: string, next: FragmentTag, count: number): boolean {
  if (text.includes('<') || text.includes(']]>')) return false
  if (next.depth > 0 || (next.kind === 'close' && count > 0)) return true
  return count === 0 && text.trim() === ''
}

/** Index of the tag that ends the element which begins with that of `index`. */
export function lastTagOf(tags: readonly FragmentTag[], index: number): number {
  const { kind, depth } = tags[index]!
  if (kind === 'empty') return index
  return tags.findIndex((tag, at) => at > index && tag.kind === 'close' && tag.depth === depth)
}

/** Name and value as written, references unresolved. */
export function attributesOf({ attributes }: Pick<FragmentTag, 'attributes'>): { name: string; value: string }[] {
  return Array.from(attributes.matchAll(attributePattern), ([, name = '', quoted = '']) => ({
    name,
    value: quoted.slice(1, -1),
  }))
}

const tagPattern =
  /<(\/?)([A-Za-z_][A-Za-z0-9_.-]*(?::[A-Za-z_][A-Za-z0-9_.-]*)?)((?:\s+[A-Za-z_][A-Za-z0-9_.:-]*\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/g
const attributePattern = /([A-Za-z_][A-Za-z0-9_.:-]*)\s*=\s*("[^"]*"|'[^']*')/g
const unknownReference = /&(?!(?:lt|gt|amp|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)/

function hasRepetition(attributes: string): boolean {
  if (attributes === '') return false
  const names = attributesOf({ attributes }).map(({ name }) => name)
  return names.length > 1 && new Set(names).size < names.length
}
