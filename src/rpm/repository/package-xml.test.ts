import { describe, expect, it } from 'vitest'
import type { RelationName, RpmPackage, RpmRelation } from '../rpm-package.ts'
import { childrenOf, childOf, parseXml, type XmlElement } from '../xml-document.ts'
import { filelistsXml, otherXml, primaryXml } from './package-xml.ts'
import { headerOf } from './testing/header-of.ts'

const checksum = { type: 'sha256', hex: 'ab'.repeat(32) } as const
const relation = (name: string, flags = 0, evr = ''): RpmRelation => ({ name, flags, evr })
const withRelations = (relations: Partial<Record<RelationName, RpmRelation[]>>, files: RpmPackage['files'] = []) =>
  headerOf('app', { relations, files })

const read = (text: string, root = 'package'): XmlElement =>
  parseXml(Buffer.from(text.replace(/<package/, '<package xmlns:rpm="r"')), { label: 'xml', root }).root

function primary(rpm: RpmPackage, isForYum3 = false): XmlElement {
  return read(primaryXml(rpm, { path: 'Packages/a/app.rpm', checksum, isForYum3 }))
}

function entries(rpm: RpmPackage, kind: RelationName, isForYum3 = false): Record<string, string>[] {
  const group = childOf(childOf(primary(rpm, isForYum3), 'format')!, kind)
  return group === undefined ? [] : childrenOf(group, 'entry').map((entry) => ({ ...entry.attributes }))
}

describe('primaryXml', () => {
  it.each<[string, RpmRelation, Record<string, string>]>([
    ['no version', relation('a'), { name: 'a' }],
    ['a version', relation('a', 8, '1.0'), { name: 'a', flags: 'EQ', epoch: '0', ver: '1.0' }],
    ['at least', relation('a', 12, '1:1.0-2'), { name: 'a', flags: 'GE', epoch: '1', ver: '1.0', rel: '2' }],
    ['at most', relation('a', 10, '1.0-2'), { name: 'a', flags: 'LE', epoch: '0', ver: '1.0', rel: '2' }],
    ['less', relation('a', 2, '1'), { name: 'a', flags: 'LT', epoch: '0', ver: '1' }],
    ['more', relation('a', 4, '1'), { name: 'a', flags: 'GT', epoch: '0', ver: '1' }],
    ['before the script', relation('/bin/sh', 1 << 9), { name: '/bin/sh', pre: '1' }],
    ['after it', relation('/bin/sh', 1 << 10), { name: '/bin/sh', pre: '1' }],
    ['the interpreter', relation('/bin/sh', 1 << 8), { name: '/bin/sh' }],
    ['a rich one', relation('(a >= 2 if b)', 1 << 27), { name: '(a >= 2 if b)' }],
  ])('writes a requirement with %s', (_, one, expected) => {
    expect(entries(withRelations({ requires: [one] }), 'requires')).toEqual([expected])
  })

  it('leaves out of requires what needs no other package', () => {
    const requires = [
      relation('rpmlib(CompressedFileNames)', 10, '3.0.4-1'),
      relation('app', 8, '1.0-1'),
      relation('app-data', 12, '1'),
      relation('/etc/app.conf'),
      relation('/usr/share/app/own'),
      relation('twice'),
      relation('twice'),
      relation('twice', 1 << 9),
    ]
    const files = ['/etc/app.conf', '/usr/share/app/own'].map((path) => ({ path, kind: 'file' as const }))
    const rpm = withRelations(
      { requires, provides: [relation('app', 8, '1.0-1'), relation('app-data', 8, '2')] },
      files,
    )
    expect(entries(rpm, 'requires')).toEqual([
      { name: 'app-data', flags: 'GE', epoch: '0', ver: '1' },
      { name: '/usr/share/app/own' },
      { name: 'twice' },
      { name: 'twice', pre: '1' },
    ])
  })

  it('keeps the highest symbol version of libc alone', () => {
    const names = ['', '(GLIBC_2.2.5)(64bit)', '(GLIBC_2.34)(64bit)', '(GLIBC_2.4)(64bit)'].map(
      (part) => `libc.so.6${part}`,
    )
    const rpm = withRelations({ requires: [...names.map((name) => relation(name)), relation('libm.so.6')] })
    expect(entries(rpm, 'requires').map(({ name }) => name)).toEqual(['libm.so.6', 'libc.so.6(GLIBC_2.34)(64bit)'])
  })

  it('writes no weak dependencies for yum 3', () => {
    const rpm = withRelations({ recommends: [relation('a')], conflicts: [relation('b')] })
    expect(entries(rpm, 'recommends')).toHaveLength(1)
    expect(entries(rpm, 'recommends', true)).toHaveLength(0)
    expect(entries(rpm, 'conflicts', true)).toHaveLength(1)
  })

  it('lists the files that dependencies are usually on', () => {
    const files = [
      { path: '/etc/app', kind: 'dir' },
      { path: '/etc/app/a & b', kind: 'ghost' },
      { path: '/opt/x/sbin/tool', kind: 'file' },
      { path: '/usr/lib/sendmail', kind: 'file' },
      { path: '/usr/share/doc', kind: 'dir' },
      { path: '/usr/bin', kind: 'dir' },
    ] as const
    const rpm = headerOf('app', { files: [...files] })
    const listed = childrenOf(childOf(primary(rpm), 'format')!, 'file').map(({ text }) => text)
    expect(listed).toEqual(['/etc/app', '/etc/app/a & b', '/opt/x/sbin/tool', '/usr/lib/sendmail'])
    const all = childrenOf(read(filelistsXml(rpm, checksum.hex)), 'file')
    expect(all.map(({ text, attributes }) => ({ path: text, kind: attributes.type ?? 'file' }))).toEqual(files)
  })

  it('loses no character, and replaces those that XML has no place for', () => {
    const summary = 'a <b> & "c" \r\n\tö 😀 ]]> \u0001 \ufffe \ud800.'
    const text = childOf(primary(headerOf('app', { summary })), 'summary')!.text
    expect(text).toBe('a <b> & "c" \r\n\tö 😀 ]]> \ufffd \ufffd \ufffd.')
  })
})

describe('otherXml', () => {
  it('has the ten latest entries, the oldest first, each at a moment of its own', () => {
    const dates = [90, 80, 80, 80, 60, 50, 40, 30, 20, 10, 5]
    const changelogs = dates.map((date, index) => ({
      author: `A <a@example.org> "${index}"  `,
      date,
      text: `- ${index}`,
    }))
    const entriesRead = childrenOf(read(otherXml(headerOf('app', { changelogs }), checksum.hex)), 'changelog')
    expect(entriesRead.map(({ attributes, text }) => [Number(attributes.date), text])).toEqual([
      [10, '- 9'],
      [20, '- 8'],
      [30, '- 7'],
      [40, '- 6'],
      [50, '- 5'],
      [60, '- 4'],
      [80, '- 3'],
      [81, '- 2'],
      [82, '- 1'],
      [90, '- 0'],
    ])
    expect(entriesRead[0]!.attributes.author).toBe('A <a@example.org> "9"')
  })
})
