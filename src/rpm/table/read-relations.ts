import { isLarderError } from '../../core/index.ts'
import type { Interner } from '../../table/index.ts'
import type { LaterRelations } from '../package-rows.ts'
import { FragmentScanner } from './fragment-scanner.ts'
import { ClauseWriter } from './relation-clause.ts'
import { RelationsReader } from './relations-reader.ts'

const [before, behind] = [Buffer.from('<metadata>'), Buffer.from('</metadata>')]
const writer = new ClauseWriter()

/**
 * The later relations of a package, from its fragment, every byte of which is held to what XML allows. Of a package of
 * which they cannot be read: that it requires what nothing is, so that it can never be taken.
 */
export function readRelations(fragment: Buffer, clauses: Interner): LaterRelations {
  const reader = new RelationsReader(clauses, writer)
  const scanner = new FragmentScanner(reader, { label: 'its record', root: 'metadata' })
  try {
    scanner.scan(Buffer.concat([before, fragment, behind]), { offset: -before.length, isLast: true })
  } catch (error) {
    if (!isLarderError(error, 'RPM_XML_MALFORMED')) throw error
    reader.fault ??= error.message
  }
  if (reader.fault === undefined) return reader.found
  // An operand that never ends: no dependency at all, whatever the words are.
  const clause = Buffer.from(`(what its record does not say: ${reader.fault}`)
  return { requires: [clauses.intern(clause, 0, clause.length)] }
}
