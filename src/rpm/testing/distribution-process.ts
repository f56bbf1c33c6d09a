// Started by distribution-memory.test.ts: a whole distribution, from its primary.xml to a closure over it, and the most
// memory that this process ever had.
import { readFileSync } from 'node:fs'
import { resolveClosure } from '../closure.ts'
import { compilePrimary } from '../compile-primary.ts'
import { Universe } from '../universe.ts'
import { primaryParts, syntheticPackages, type TextPackage } from './primary-text.ts'

const [countText = '', folder = ''] = process.argv.slice(2)
const count = Number(countText)

/** With what all others need. */
function* distribution(): Generator<TextPackage> {
  yield { name: 'libc', provides: ['libc.so.6(GLIBC_2.34)(64bit)', 'rtld(GNU_HASH)'], files: ['/bin/sh'] }
  yield* syntheticPackages(count - 1)
}

let textBytes = 0
async function* text(): AsyncGenerator<Buffer> {
  for (const part of primaryParts(distribution(), count)) {
    const bytes = Buffer.from(part)
    textBytes += bytes.length
    yield bytes
  }
}

const index = await compilePrimary(text(), { folder, key: 'whole', label: 'a distribution' })
const universe = new Universe([{ index, upstream: 'whole', rank: 0 }], ['x86_64'])
const names = [...universe.packageNames()].filter((_, place) => place % 30 === 0)
const listed = names.map((name) => ({ name, exclude: [] }))
const { rows } = resolveClosure(universe, { listed, recommends: false, exclude: [], versions: 1 })
const peakKiB = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
console.log(JSON.stringify({ rowCount: index.rowCount, textBytes, closureCount: rows.length, peakMiB: peakKiB / 1024 }))
