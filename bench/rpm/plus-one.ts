import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { measureProcess } from '../measure-process.ts'
import { median, medianRatio } from '../report.ts'
import type { RpmBenchContext } from './bench.ts'
import { startComposer } from './larder-composer.ts'
import { makeLocalPackages } from './local-packages.ts'

const heldCount = 20_000

/** One package more in a repository of 20,000, beside `createrepo_c --update`. Another package in every round. */
export async function measurePlusOne(context: RpmBenchContext): Promise<void> {
  const { packagesFolder, folder, report, runs } = context
  const all = await makeLocalPackages(packagesFolder, heldCount + runs)
  const [held, added] = [all.slice(0, heldCount), all.slice(heldCount)]
  const before = join(folder, 'before')
  await createrepo(packagesFolder, { files: held, output: before, listFolder: folder })
  const composer = await startComposer(packagesFolder, join(folder, 'state'))
  const rounds: { larder: number; peer: number; peakMiB: number }[] = []
  try {
    await composer.compose(held)
    for (const one of added) {
      const files = [...held, one]
      const { seconds: larder, peakMiB } = await composer.compose(files)
      const output = join(folder, 'after')
      await rm(output, { recursive: true, force: true })
      await cp(before, output, { recursive: true, preserveTimestamps: true })
      const { seconds: peer } = await createrepo(packagesFolder, { files, output, listFolder: folder, update: true })
      rounds.push({ larder, peer, peakMiB })
    }
  } finally {
    await composer.stop()
  }
  const [larder, peer] = [rounds.map((round) => round.larder), rounds.map((round) => round.peer)]
  report.add({
    case: `one package more in ${heldCount}`,
    unit: 's',
    larder: median(larder),
    peer: median(peer),
    peerName: 'createrepo_c --update --no-database',
    ratio: medianRatio(larder, peer),
    target: 0.1,
    runs,
    peakMiB: Math.max(...rounds.map((round) => round.peakMiB)),
  })
}

interface Createrepo {
  files: readonly string[]
  output: string
  listFolder: string
  update?: boolean
}

async function createrepo(
  packagesFolder: string,
  { files, output, listFolder, update = false }: Createrepo,
): Promise<{ seconds: number }> {
  await mkdir(output, { recursive: true })
  const list = join(listFolder, 'list')
  await writeFile(list, `${files.join('\n')}\n`)
  const options = ['--quiet', '--no-database', '--changelog-limit=10', ...(update ? ['--update'] : [])]
  return measureProcess('createrepo_c', [...options, '--pkglist', list, '--outputdir', output, packagesFolder])
}
