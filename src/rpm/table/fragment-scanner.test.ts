import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isLarderError } from '../../core/index.ts'
import { FragmentScanner, type FragmentReader } from './fragment-scanner.ts'

const text = Buffer.from(`\ufeff<?xml version="1.0" encoding='UTF-8' ?>
<!-- <a> - --><m:root a="1" xmlns:m="urn:m"> &amp; <![CDATA[<a>]]]>
  <a/><m:a  b = "&lt;>" c='"'
  >ü<!-- </m:a> --><b><c>]] ></c >&#x20;</b><![CDATA[</m:a>]]]]><?pi </m:a> ?></m:a
 ><?x?></m:root
> <!-- end --> `)

/** What a reader is told, from `begin` to `end`; what is taken back is forgotten. */
function recorder(): { told: string[]; reader: FragmentReader } {
  const told: string[] = []
  let open: string[] = []
  const reader: FragmentReader = {
    root: ({ attributes }) => told.push(`root ${JSON.stringify(attributes.namespaces())} ${attributes.value('a')}`),
    begin: () => {
      open = []
    },
    open: ({ bytes, localStart, nameEnd, attributes }, depth) => {
      const name = bytes.toString('utf8', localStart, nameEnd)
      open.push(`${depth} <${name}> ${attributes.value('b')} ${attributes.value('c')}`)
    },
    text: ({ bytes, textStart, textEnd }, depth) => open.push(`${depth} ${bytes.toString('utf8', textStart, textEnd)}`),
    close: (_, depth) => open.push(`${depth} close`),
    end: ({ bytes, offset }, start, end) =>
      told.push(...open, `${offset + start} ${bytes.toString('utf8', start, end)}`),
  }
  return { told, reader }
}

function scan(bytes: Buffer, cuts: readonly number[]): string[] {
  const { told, reader } = recorder()
  const scanner = new FragmentScanner(reader, { label: 'test', root: 'root' })
  let done = 0
  for (const cut of [...cuts, bytes.length]) {
    if (cut < done) continue
    const isLast = cut === bytes.length && cut !== cuts.at(-1)
    done += scanner.scan(bytes.subarray(done, cut), { offset: done, isLast })
  }
  return told
}

test('children of the root, with what is in them', () => {
  const first = text.indexOf('<a/>')
  const second = text.indexOf('<m:a ')
  const end = text.indexOf('<?x?>')
  expect(scan(text, [])).toEqual([
    'root {"m":"urn:m"} 1',
    '0 <a> undefined undefined',
    '0 close',
    `${first} <a/>`,
    '0 <a> <> "',
    '0 ü',
    '1 <b> undefined undefined',
    '2 <c> undefined undefined',
    '2 ]] >',
    '2 close',
    '1 &#x20;',
    '1 close',
    '0 </m:a>]]',
    '0 close',
    `${second} ${text.toString('utf8', second, end)}`,
  ])
})

test('wherever the bytes end, what is told is the same', () => {
  const whole = scan(text, [])
  for (let cut = 0; cut < text.length; cut++) expect(scan(text, [cut])).toEqual(whole)
  expect(scan(text, Array.from(text.keys()))).toEqual(whole)
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(text.length - 1), { maxLength: 20 }), (cuts) => {
      expect(
        scan(
          text,
          cuts.toSorted((a, b) => a - b),
        ),
      ).toEqual(whole)
    }),
  )
})

test('what is no XML is refused wherever the bytes end', () => {
  const parts = fc.constantFrom('<a>', '</a>', '<', '>', '<!--', '-->', '<![CDATA[', ']]>', '<?', '?>', '&', 'x', '"', '=', ' ', '/', '<!', 'a="', '\u0000') // prettier-ignore
  const documents = fc.array(parts, { maxLength: 12 }).map((all) => Buffer.from(`<root>${all.join('')}</root>`))
  const outcome = (bytes: Buffer, cuts: readonly number[]): string => {
    try {
      return JSON.stringify(scan(bytes, cuts))
    } catch (error) {
      if (!isLarderError(error, 'RPM_XML_MALFORMED')) throw error
      return 'refused'
    }
  }
  fc.assert(
    fc.property(documents, fc.uniqueArray(fc.nat(60), { maxLength: 8 }), (bytes, cuts) => {
      const within = cuts.filter((cut) => cut < bytes.length).toSorted((a, b) => a - b)
      expect(outcome(bytes, within)).toBe(outcome(bytes, []))
    }),
    { numRuns: 3000 },
  )
})
