import { childOf, childrenOf, parseXml, type XmlDocument, type XmlElement } from './xml-document.ts'

/**
 * comps.xml of the groups of which the mirror holds packages, in upstream's own words: of their packages those that
 * `has` knows; no group without any; of environments and categories those that still name a group. Several files, of
 * several upstreams, become one, in which each group is there once, with the packages of all. Undefined when no group
 * is left.
 *
 * @throws RPM_XML_MALFORMED
 */
export function cutComps(files: readonly Uint8Array[], has: (name: string) => boolean): Buffer | undefined {
  const documents = files.map((bytes) => parseXml(bytes, { label, root: 'comps', allowsDoctype: true }))
  const groups = merge(documents, 'group', { lists: ['packagelist'], item: 'packagereq', has })
  if (groups.size === 0) return undefined
  const refers = { lists: ['grouplist', 'optionlist'], item: 'groupid', has: (id: string): boolean => groups.has(id) }
  const categories = merge(documents, 'category', refers)
  const environments = merge(documents, 'environment', refers)
  const parts = [groups, categories, environments].flatMap((one) => [...one.values()])
  const text = [...parts, ...langpacksOf(documents, has)].map((part) => `  ${part}\n`).join('')
  const bytes = Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n<comps>\n${text}</comps>\n`)
  // What upstream's root bound is not bound here: better refused than published.
  parseXml(bytes, { label, root: 'comps' })
  return bytes
}

const label = 'comps.xml'

interface Lists {
  /** Elements that hold items, what items are called, and which of them stay. */
  lists: readonly string[]
  item: string
  has: (text: string) => boolean
}

interface Source {
  document: XmlDocument
  element: XmlElement
}

/** Texts by id, in the order in which the ids come; of those that have an item left. */
function merge(documents: readonly XmlDocument[], tag: string, lists: Lists): Map<string, string> {
  const sources = new Map<string, Source[]>()
  for (const document of documents) {
    for (const element of childrenOf(document.root, tag)) {
      const id = childOf(element, 'id')?.text ?? ''
      if (id !== '') sources.set(id, [...(sources.get(id) ?? []), { document, element }])
    }
  }
  const merged = Array.from(sources, ([id, all]) => [id, mergeSources(all, lists)] as const)
  return new Map(merged.filter((entry): entry is [string, string] => entry[1] !== undefined))
}

/** The first of them, with the items of all. Undefined when no item is left. */
function mergeSources(sources: readonly Source[], { lists, item, has }: Lists): string | undefined {
  const [{ document, element }] = sources as [Source]
  const lines = new Map(lists.map((list) => [list, itemsOf(sources, list, { item, has })]))
  if ([...lines.values()].every((texts) => texts.length === 0)) return undefined
  const texts: string[] = []
  let from = element.start
  for (const child of element.children) {
    if (!lists.includes(child.name)) continue
    texts.push(document.text.slice(from, child.start), listText(child.name, lines.get(child.name)!))
    lines.set(child.name, [])
    from = child.end
  }
  const close = document.text.lastIndexOf('</', element.end)
  const missing = Array.from(lines, ([list, items]) => (items.length === 0 ? '' : `  ${listText(list, items)}\n  `))
  return [...texts, document.text.slice(from, close), ...missing, document.text.slice(close, element.end)].join('')
}

function itemsOf(sources: readonly Source[], list: string, { item, has }: Pick<Lists, 'item' | 'has'>): string[] {
  const found = new Map<string, string>()
  for (const { document, element } of sources) {
    for (const one of childrenOf(element, list).flatMap((child) => childrenOf(child, item)))
      if (has(one.text) && !found.has(one.text)) found.set(one.text, document.text.slice(one.start, one.end))
  }
  return [...found.values()]
}

function listText(list: string, items: readonly string[]): string {
  return items.length === 0
    ? `<${list}/>`
    : `<${list}>\n${items.map((item) => `      ${item}\n`).join('')}    </${list}>`
}

/** Which packages a language adds to those that are there. */
function langpacksOf(documents: readonly XmlDocument[], has: (name: string) => boolean): string[] {
  const matches = documents.flatMap(({ root, text }) =>
    childrenOf(root, 'langpacks')
      .flatMap((langpacks) => childrenOf(langpacks, 'match'))
      .filter(({ attributes }) => has(attributes.name ?? ''))
      .map(({ start, end }) => text.slice(start, end)),
  )
  return matches.length === 0
    ? []
    : [`<langpacks>\n${[...new Set(matches)].map((one) => `    ${one}\n`).join('')}  </langpacks>`]
}
