import fc from 'fast-check'
import { SaxesParser } from 'saxes'
import { expect, test } from 'vitest'
import { isLarderError } from '../../core/index.ts'
import { Interner } from '../../table/index.ts'
import { primaryText } from '../testing/primary-text.ts'
import { FragmentScanner } from './fragment-scanner.ts'
import { PrimaryReader } from './primary-reader.ts'
import { PrimaryTable } from './primary-table.ts'
import { readRelations } from './read-relations.ts'

const text = primaryText([{ name: 'a', requires: ['b >= 1', '/c'], files: ['/etc/a'], description: 'x & <y>' }])
  .replace('<summary>', '<!-- comment --><summary><![CDATA[&]]>')
  .replace('<arch>', "<?pi x?><arch a = 'b'>")

/** Where the package lies, when there is one that is used. */
function scan(bytes: Buffer): Buffer | undefined {
  const table = new PrimaryTable()
  const scanner = new FragmentScanner(new PrimaryReader(table), { label: 'test', root: 'metadata' })
  scanner.scan(bytes, { offset: 0, isLast: true })
  const { offset, length } = table.finish().columns
  const fragment = table.rowCount === 1 ? bytes.subarray(offset[0], offset[0]! + length[0]!) : undefined
  return fragment !== undefined && isTaken(fragment) ? fragment : undefined
}

/** Whether all that it requires makes sense. */
function isTaken(fragment: Buffer): boolean {
  const clauses = new Interner(16)
  const { requires = [] } = readRelations(fragment, clauses)
  return !requires.some((clause) => clauses.text(clause).startsWith('(what its record'))
}

test('what is kept of a damaged file, a strict reader of XML takes too', () => {
  const bytes = Buffer.from(text)
  const [from, to] = [text.indexOf('<package'), text.indexOf('</package>')]
  const characters = fc.constantFrom(...Buffer.from(`<>&"'=/!?-[]: ;#xaA0\n`))
  const changes = fc.array(fc.tuple(fc.integer({ min: from, max: to }), characters), { minLength: 1, maxLength: 3 })
  let kept = 0
  fc.assert(
    fc.property(changes, (all) => {
      const changed = Buffer.from(bytes)
      for (const [at, value] of all) changed[at] = value
      let fragment: Buffer | undefined
      try {
        fragment = scan(changed)
      } catch (error) {
        if (!isLarderError(error, 'RPM_XML_MALFORMED')) throw error
      }
      if (fragment === undefined) return
      kept++
      new SaxesParser().write(fragment.toString()).close()
    }),
    { numRuns: 400 },
  )
  expect(scan(bytes)?.toString()).toBe(`${text.slice(from, to)}</package>`)
  expect(kept).toBeGreaterThan(10)
})
