import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { isLarderError } from '../core/index.ts'
import { cutComps } from './comps.ts'
import { childOf, childrenOf, parseXml } from './xml-document.ts'

const doctype = '<!DOCTYPE comps PUBLIC "-//Example//DTD Comps info//EN" "comps.dtd">\n'

const group = (id: string, names: readonly string[]): string => `<group>
    <id>${id}</id>
    <name xml:lang="de">Gruppe &amp; ${id}</name>
    <default>false</default>
    <packagelist>
${names.map((name) => `      <packagereq type="mandatory">${name}</packagereq>\n`).join('')}    </packagelist>
  </group>`

const environment = (id: string, groups: readonly string[], options: readonly string[]): string => `<environment>
    <id>${id}</id>
    <grouplist>${groups.map((one) => `<groupid>${one}</groupid>`).join('')}</grouplist>
    <optionlist>${options.map((one) => `<groupid default="true">${one}</groupid>`).join('')}</optionlist>
  </environment>`

const category = (id: string, groups: readonly string[]): string =>
  `<category>\n    <id>${id}</id>\n    <grouplist>${groups.map((one) => `<groupid>${one}</groupid>`).join('')}</grouplist>\n  </category>`

const langpacks = '<langpacks><match name="vim" install="vim-%s"/><match name="a" install="a-lang-%s"/></langpacks>'

const file = (...parts: string[]): Buffer =>
  Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${doctype}<comps>\n  ${parts.join('\n  ')}\n</comps>\n`)

const named =
  (...names: string[]) =>
  (name: string): boolean =>
    names.includes(name)

/** Ids, and below them packages or groups. */
function told(bytes: Buffer | undefined): Record<string, string[]> {
  if (bytes === undefined) return {}
  const { root } = parseXml(bytes, { label: 'cut', root: 'comps' })
  const lists = ['packagelist', 'grouplist', 'optionlist']
  const entries = root.children.map((element): [string, string[]] => [
    `${element.name} ${childOf(element, 'id')?.text ?? ''}`,
    lists.flatMap((list) => childrenOf(element, list).flatMap(({ children }) => children.map(({ text }) => text))),
  ])
  return Object.fromEntries(entries)
}

describe('what is kept', () => {
  it('is packages that are there, and what still names any', () => {
    const whole = file(
      group('g1', ['a', 'b']),
      group('g2', ['b']),
      category('c1', ['g1', 'g2']),
      category('c2', ['g2']),
      environment('e1', ['g1', 'g2', 'g9'], ['g2']),
      environment('e2', ['g2'], ['g1']),
      environment('e3', ['g2'], []),
      langpacks,
    )
    const cut = cutComps([whole], named('a'))
    expect(told(cut)).toEqual({
      'group g1': ['a'],
      'category c1': ['g1'],
      'environment e1': ['g1'],
      'environment e2': ['g1'],
      'langpacks ': [],
    })
    expect(cut!.toString()).toContain(group('g1', ['a']))
    expect(cut!.toString()).toContain('<match name="a"')
    expect(cut!.toString()).not.toContain('vim')
    expect(cutComps([whole], named('z'))).toBeUndefined()
  })

  it('of several upstreams is one file, each group with the packages of all', () => {
    const files = [
      file(group('g1', ['a', 'b']), environment('e', ['g1'], [])),
      file(
        group('g1', ['b', 'c']),
        group('g2', ['c']),
        environment('e', ['g1', 'g2'], ['g2']),
        '<group><id>g3</id></group>',
      ),
      file('<group><id>g3</id></group>', group('g3', ['a'])),
    ]
    expect(told(cutComps(files, () => true))).toEqual({
      'group g1': ['a', 'b', 'c'],
      'group g3': ['a'],
      'group g2': ['c'],
      'environment e': ['g1', 'g2', 'g2'],
    })
  })
})

describe('what is refused', () => {
  it.each<[string, Buffer]>([
    ['another file', Buffer.from('<metadata/>')],
    ['half a file', file(group('a', ['a'])).subarray(0, -20)],
    ['a document type that declares', Buffer.from(`<!DOCTYPE comps [<!ENTITY a "b">]><comps/>`)],
    [
      'prefixes that only upstream bound',
      Buffer.from(`<comps xmlns:x="urn:x">${group('g', ['a']).replace('<default>', '<x:y/><default>')}</comps>`),
    ],
  ])('%s', (_, bytes) => {
    expect(() => cutComps([bytes], () => true)).toThrow(expect.objectContaining({ code: 'RPM_XML_MALFORMED' }))
  })
})

test('some bytes changed: what can be read again, or a LarderError', () => {
  const text = file(group('g1', ['a', 'b']), category('c1', ['g1']), environment('e1', ['g1'], []), langpacks)
  const changes = fc.array(fc.tuple(fc.nat(text.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(changes, (all) => {
      const bytes = Buffer.from(text)
      for (const [at, value] of all) bytes[at] = value
      try {
        told(cutComps([bytes], named('a')))
      } catch (error) {
        expect(isLarderError(error, 'RPM_XML_MALFORMED')).toBe(true)
      }
    }),
    { numRuns: 500 },
  )
})
