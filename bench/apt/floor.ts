import { createHash } from 'node:crypto'
import { cp, mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { measureProcess } from '../measure-process.ts'
import { median } from '../report.ts'
import type { AptBenchContext } from './bench.ts'

/** What no program of this kind can be quicker than: unpack the index, hash the packages, copy them to the disk. */
export async function measureFloor({ distribution, folder, report, runs }: AptBenchContext): Promise<void> {
  const index = await indexFile(distribution)
  const pool = join(distribution.folder, 'pool')
  await mkdir(pool, { recursive: true })
  const packages = (await readdir(pool, { recursive: true })).filter((path) => path.endsWith('.deb'))
  if (packages.length === 0) {
    report.note('floor: there are no packages yet; they come with the case beside-aptly')
    return
  }
  const add = async (name: string, measure: () => Promise<number>): Promise<void> => {
    const seconds: number[] = []
    for (let run = 0; run < runs; run++) seconds.push(await measure())
    report.add({ case: name, unit: 's', larder: median(seconds), runs })
  }
  report.note(`floor: ${packages.length} packages`)
  await add(
    'floor-xz-of-index',
    async () => (await measureProcess('sh', ['-c', 'exec xz -dc "$1" >/dev/null', 'sh', index])).seconds,
  )
  await add('floor-sha256-of-packages', () =>
    timed(async () => {
      for (const one of packages)
        createHash('sha256')
          .update(await readFile(join(pool, one)))
          .digest()
    }),
  )
  await add('floor-copy-of-packages', () =>
    timed(async () => {
      const copy = join(folder, 'copy')
      await mkdir(copy, { recursive: true })
      for (const [number, one] of packages.entries()) {
        const target = join(copy, String(number))
        await cp(join(pool, one), target)
        const file = await open(target, 'r+')
        await file.datasync()
        await file.close()
      }
      await rm(copy, { recursive: true })
    }),
  )
}

/** The Packages.xz of the distribution; brought here if nobody asked for it yet. */
export async function indexFile({
  folder,
  suite,
  architecture,
  serve,
}: AptBenchContext['distribution']): Promise<string> {
  const path = `dists/${suite}/main/binary-${architecture}/Packages.xz`
  const server = await serve({ fetching: true })
  await (await fetch(`${server.url}/${path}`)).arrayBuffer()
  await server.close()
  return join(folder, path)
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}
