import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { measureProcess } from '../measure-process.ts'
import { median, medianRatio } from '../report.ts'
import type { RpmBenchContext } from './bench.ts'
import { startComposer, type ComposerAnswer } from './larder-composer.ts'
import { makeLocalPackages } from './local-packages.ts'

interface Round {
  larder: ComposerAnswer
  /** As it is without options: with databases for yum 3, which Larder does not make. */
  usual: { seconds: number; peakMiB: number }
  /** The same three files that Larder makes. */
  bare: { seconds: number; peakMiB: number }
}

/** Metadata of local packages from nothing, beside createrepo_c. */
export async function measureMetadata(context: RpmBenchContext): Promise<void> {
  const { packagesFolder, report, runs, folder } = context
  for (const count of [2000, 10_000]) {
    const files = await makeLocalPackages(packagesFolder, count)
    const list = join(folder, 'list')
    await writeFile(list, `${files.join('\n')}\n`)
    const floor = await measureProcess('xargs', ['-a', list, 'sha256sum'], { cwd: packagesFolder })
    report.note(`${count} packages: sha256sum of their bytes alone takes ${floor.seconds.toFixed(2)} s`)
    const rounds: Round[] = []
    for (let index = 0; index < runs; index++) rounds.push(await inRound(context, files, list))
    tell(context, count, rounds)
  }
}

async function inRound({ packagesFolder, folder }: RpmBenchContext, files: string[], list: string): Promise<Round> {
  const state = join(folder, 'state')
  const composer = await startComposer(packagesFolder, state)
  try {
    const larder = await composer.compose(files)
    const usual = await createrepo(packagesFolder, { list, output: join(folder, 'usual') })
    const bare = await createrepo(packagesFolder, { list, output: join(folder, 'bare'), options: ['--no-database'] })
    return { larder, usual, bare }
  } finally {
    await composer.stop()
    await rm(state, { recursive: true, force: true })
  }
}

/** createrepo_c over the listed packages, into an empty folder. */
async function createrepo(
  packagesFolder: string,
  { list, output, options = [] }: { list: string; output: string; options?: string[] },
): Promise<{ seconds: number; peakMiB: number }> {
  await rm(output, { recursive: true, force: true })
  await mkdir(output, { recursive: true })
  const args = ['--quiet', '--changelog-limit=10', ...options, '--pkglist', list, '--outputdir', output, packagesFolder]
  return measureProcess('createrepo_c', args)
}

function tell({ report, runs }: RpmBenchContext, count: number, rounds: readonly Round[]): void {
  const larder = rounds.map((round) => round.larder.seconds)
  for (const [peerName, key, target] of [
    ['createrepo_c', 'usual', 1],
    ['createrepo_c --no-database', 'bare', undefined],
  ] as const) {
    const peer = rounds.map((round) => round[key].seconds)
    report.add({
      case: `metadata of ${count} packages`,
      unit: 's',
      larder: median(larder),
      peer: median(peer),
      peerName,
      ratio: medianRatio(larder, peer),
      ...(target !== undefined && { target }),
      runs,
      peakMiB: Math.max(...rounds.map((round) => round.larder.peakMiB)),
    })
    report.note(`  peak of ${peerName}: ${Math.round(Math.max(...rounds.map((round) => round[key].peakMiB)))} MiB`)
  }
  const hashing = median(rounds.map((round) => round.larder.hashSeconds))
  report.note(`  of Larder's time, reading and hashing the packages took ${hashing.toFixed(2)} s`)
}
