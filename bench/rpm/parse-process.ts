// Started by parse.ts: compiles a primary.xml once, as a controller that has just started does, and prints the seconds
// by the clock and those of the processor.
import { createReadStream } from 'node:fs'
import { compilePrimary } from '../../src/rpm/compile-primary.ts'

const [path = '', folder = ''] = process.argv.slice(2)
const started = performance.now()
const usedBefore = process.cpuUsage()
const stream = createReadStream(path, { highWaterMark: 1 << 17 }) as AsyncIterable<Buffer>
const index = await compilePrimary(stream, { folder, key: 'bench', label: 'bench' })
const seconds = (performance.now() - started) / 1000
const { user, system } = process.cpuUsage(usedBefore)
if (index.excludedCount > 0) throw new Error(`excluded: ${JSON.stringify(index.excluded[0])}`)
console.log(JSON.stringify({ seconds, processorSeconds: (user + system) / 1e6 }))
