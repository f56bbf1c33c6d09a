import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { siteReference, siteReferencePath } from './make-reference.ts'

test('docs/site-files.md is what the schemas say (npm run reference makes it again)', () => {
  expect(readFileSync(siteReferencePath, 'utf8')).toBe(siteReference())
})

test('every key has a meaning, and no cell breaks the table', () => {
  const rows = siteReference()
    .split('\n')
    .filter((line) => /^\| (\*\*)?`[a-zA-Z_.]+`/.test(line))
  expect(rows.length).toBeGreaterThan(25)
  for (const row of rows) {
    expect(row.split(/(?<!\\)\|/)).toHaveLength(6)
    expect(row).not.toMatch(/\| {2}\|$/)
  }
})
