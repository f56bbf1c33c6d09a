import { attributesOf, lastTagOf, type FragmentTag } from './scan-fragment.ts'

/**
 * Gives the elements of a fragment the prefixes that the root of our primary.xml declares (none, and `rpm:`), whatever
 * the root of the upstream's does: most readers compare names with their prefixes, not namespaces. What has a prefix
 * that nothing in the fragment declares, and a name that is not of primary.xml, is left out. Undefined when all is as
 * usual.
 */
export function renameTags(text: string, tags: readonly FragmentTag[]): string | undefined {
  const declared = new Set(tags.flatMap(declaredPrefixes))
  const isKnown = (prefix: string): boolean => prefix === '' || prefix === 'rpm' || declared.has(prefix)
  if (tags.every((tag) => isUsual(tag, isKnown))) return undefined
  let renamed = ''
  let at = 0
  tags.forEach((tag, index) => {
    if (tag.start < at) return
    renamed += text.slice(at, tag.start)
    at = tag.end
    const { prefix } = partsOf(tag.name)
    const name = ourName(tag.name)
    if (name === tag.name && !isKnown(prefix)) at = tags[lastTagOf(tags, index)]!.end
    else renamed += tagText({ ...tag, name }, isKnown)
  })
  return renamed + text.slice(at)
}

function isUsual({ name, attributes }: FragmentTag, isKnown: (prefix: string) => boolean): boolean {
  if (attributes.includes(':') && attributesOf({ attributes }).some((one) => !isKept(one.name, isKnown))) return false
  return ourName(name) === name && isKnown(partsOf(name).prefix)
}

function tagText({ kind, name, attributes }: FragmentTag, isKnown: (prefix: string) => boolean): string {
  const kept = attributesOf({ attributes }).filter((one) => one.name !== 'xmlns' && isKept(one.name, isKnown))
  const written = kept.map((one) => ` ${one.name}=${quoted(one.value)}`).join('')
  return `<${kind === 'close' ? '/' : ''}${name}${written}${kind === 'empty' ? '/' : ''}>`
}

function isKept(attribute: string, isKnown: (prefix: string) => boolean): boolean {
  const { prefix } = partsOf(attribute)
  return prefix === 'xml' || prefix === 'xmlns' || isKnown(prefix)
}

function ourName(name: string): string {
  const { local } = partsOf(name)
  if (commonNames.has(local)) return local
  return rpmNames.has(local) ? `rpm:${local}` : name
}

function partsOf(name: string): { prefix: string; local: string } {
  const colon = name.indexOf(':')
  return { prefix: name.slice(0, Math.max(0, colon)), local: name.slice(colon + 1) }
}

const commonNames = new Set(
  'package name arch version checksum summary description packager url time size location format file'.split(' '),
)
const rpmNames = new Set(
  'license vendor group buildhost sourcerpm header-range provides requires conflicts obsoletes suggests enhances recommends supplements entry'.split(
    ' ',
  ),
)

function declaredPrefixes({ attributes }: FragmentTag): string[] {
  if (!attributes.includes('xmlns:')) return []
  return attributesOf({ attributes }).flatMap(({ name }) => (name.startsWith('xmlns:') ? [name.slice(6)] : []))
}

function quoted(value: string): string {
  return value.includes('"') ? `'${value}'` : `"${value}"`
}
