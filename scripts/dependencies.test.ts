import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { root } from './command.ts'

const page = readFileSync(join(root, 'docs/dependencies.md'), 'utf8')
const rows = [...page.matchAll(/^\| `(?<name>[^`]+)` \| (?<why>[^|]+) \| (?<instead>[^|]+) \| (?<licence>[^|]+) \|$/gm)]
const shippedRows = rows.filter((row) => row.index < page.indexOf('## For development'))

test('docs/dependencies.md has a row for every dependency, and for nothing else', () => {
  const named = rows.map((row) => row.groups?.['name'])
  expect(named.toSorted()).toEqual(Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }).sort())
  const shipped = shippedRows.map((row) => row.groups?.['name'])
  expect(shipped.toSorted()).toEqual(Object.keys(manifest.dependencies).sort())
})

test.each(rows.map((row) => [row.groups?.['name'] ?? '', row.groups?.['licence'] ?? '']))(
  '%s is under the licence that the page says: %s',
  (name, licence) => {
    const installed = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')) as {
      license: string
    }
    expect(licence).toBe(installed.license)
  },
)

test('every version is exact', () => {
  for (const version of Object.values({ ...manifest.dependencies, ...manifest.devDependencies })) {
    expect(version).toMatch(/^\d+\.\d+\.\d+$/)
  }
})
