// Started by parse.ts: compiles a primary.xml once, as a controller that has just started does, and prints the seconds.
import { createReadStream } from 'node:fs'
import { compilePrimary } from '../../src/rpm/compile-primary.ts'

const [path = '', folder = ''] = process.argv.slice(2)
const started = performance.now()
const stream = createReadStream(path, { highWaterMark: 1 << 17 }) as AsyncIterable<Buffer>
const index = await compilePrimary(stream, { folder, key: 'bench', label: 'bench' })
const seconds = (performance.now() - started) / 1000
if (index.excludedCount > 0) throw new Error(`excluded: ${JSON.stringify(index.excluded[0])}`)
console.log(seconds)
