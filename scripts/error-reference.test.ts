import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { catalogue } from '../src/core/index.ts'
import { errorReference, errorReferencePath } from './make-error-reference.ts'

test('docs/errors.md is what the catalogue says (npm run reference makes it again)', () => {
  expect(readFileSync(errorReferencePath, 'utf8')).toBe(errorReference())
})

test('every code has a row, and no cell breaks the table', () => {
  const rows = errorReference()
    .split('\n')
    .filter((line) => line.startsWith('| <a'))
  expect(rows).toHaveLength(Object.keys(catalogue).length)
  for (const row of rows) expect(row.split('|')).toHaveLength(7)
})
