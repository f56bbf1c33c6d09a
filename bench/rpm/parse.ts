import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { primaryParts, syntheticPackages } from '../../src/rpm/testing/primary-text.ts'
import { measureProcess } from '../measure-process.ts'
import { nodeSettings } from '../node-settings.ts'
import { median } from '../report.ts'
import type { RpmBenchContext } from './bench.ts'

/** They make 50 MB. */
const usualCount = 26_700
const megabyte = 1e6
/** What the scanner is to do at least, on one core. */
const targetMBps = 60

/** Compiling a primary.xml of 50 MB, and one of 60,000 packages for the memory; each in a process of its own. */
export async function measureParse({ folder, report, root, runs }: RpmBenchContext): Promise<void> {
  const script = join(import.meta.dirname, 'parse-process.ts')
  const { flags, environment: env } = nodeSettings(root)
  for (const count of [usualCount, 60_000]) {
    const path = join(folder, `primary-${count}.xml`)
    await writePrimary(path, count)
    const megabytes = (await stat(path)).size / megabyte
    const seconds: number[] = []
    const processorSeconds: number[] = []
    let peakMiB = 0
    for (let index = 0; index < runs; index++) {
      const result = await measureProcess(process.execPath, [...flags, script, path, join(folder, `parse-${index}`)], {
        env,
      })
      const answer = JSON.parse(result.stdout) as { seconds: number; processorSeconds: number }
      seconds.push(answer.seconds)
      processorSeconds.push(answer.processorSeconds)
      peakMiB = Math.max(peakMiB, result.peakMiB)
    }
    const [rate, processorRate] = [seconds, processorSeconds].map((all) => Math.round(megabytes / median(all)))
    report.note(`primary.xml, ${count} packages: ${rate} MB/s, ${processorRate} MB per second of processor`)
    report.add({
      case: `parse of ${Math.round(megabytes)} MB, ${count} packages`,
      unit: 's',
      larder: median(seconds),
      target: Number((megabytes / targetMBps).toFixed(2)),
      runs,
      peakMiB,
    })
  }
}

async function writePrimary(path: string, count: number): Promise<void> {
  const file = createWriteStream(path)
  for (const part of primaryParts(syntheticPackages(count), count)) if (!file.write(part)) await once(file, 'drain')
  file.end()
  await once(file, 'close')
}
