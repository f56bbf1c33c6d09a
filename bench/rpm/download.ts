import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { folderLookup, keptInMemory, startBenchServer } from '../file-server.ts'
import { startLarder, type PushTimes } from '../larder.ts'
import { measureProcess } from '../measure-process.ts'
import { median, medianRatio } from '../report.ts'
import type { RpmBenchContext } from './bench.ts'
import { downloadByDnf, type DnfDownload } from './dnf-download.ts'
import { openMadeUpstream, type MadeUpstream } from './made-upstream.ts'

const packageCount = 20_000

type LarderDownload = PushTimes & { peakMiB: number; files: string[] }

/** A list of 50 packages and all that they need, out of 20,000, beside `dnf download --resolve`; nothing is cached. */
export async function measureDownload({ folder, report, root, runs }: RpmBenchContext): Promise<void> {
  const upstream = await openMadeUpstream(join(root, 'var/bench/made-rpms'), packageCount)
  const server = await startBenchServer(keptInMemory(folderLookup(upstream.folder)))
  const rounds: { larder: LarderDownload; dnf: DnfDownload }[] = []
  try {
    // One round more, before: both find the packages in the page cache.
    for (let round = 0; round <= runs; round++) {
      // Folders of their own, removed in the end: a file system that has just lost thousands of files is slow to make new ones.
      const larder = await downloadByLarder({
        folder: join(folder, `larder-${round}`),
        root,
        url: server.url,
        upstream,
      })
      const dnf = await downloadByDnf(join(folder, `dnf-${round}`), { ...upstream, url: server.url })
      const times = [larder.wholeSeconds, larder.stagedSeconds, dnf.seconds].map((seconds) => seconds.toFixed(2))
      report.note(`round ${round}: Larder ${times[0]} s (staged after ${times[1]} s), dnf ${times[2]} s`)
      if (round > 0) rounds.push({ larder, dnf })
    }
  } finally {
    await server.close()
  }
  const [{ larder, dnf }] = rounds as [(typeof rounds)[number]]
  for (const line of compareFiles(larder.files, dnf.files)) report.note(line)
  const peer = rounds.map((round) => round.dnf.seconds)
  const add = (name: string, seconds: (times: LarderDownload) => number): void => {
    const series = rounds.map((round) => seconds(round.larder))
    report.add({
      case: `${name}: ${larder.files.length} packages of ${packageCount}`,
      unit: 's',
      larder: median(series),
      peer: median(peer),
      peerName: 'dnf download --resolve',
      ratio: medianRatio(series, peer),
      target: 0.5,
      runs,
      peakMiB: Math.max(...rounds.map((round) => round.larder.peakMiB)),
    })
  }
  add('push to staged', ({ stagedSeconds }) => stagedSeconds)
  add('push to published', ({ wholeSeconds }) => wholeSeconds)
  report.note(`dnf's peak memory: ${Math.round(Math.max(...rounds.map((round) => round.dnf.peakMiB)))} MiB`)
}

interface LarderRound {
  folder: string
  root: string
  url: string
  upstream: MadeUpstream
}

/** With recommendations, as dnf takes them whatever its settings say. */
async function downloadByLarder({ folder, root, url, upstream }: LarderRound): Promise<LarderDownload> {
  await mkdir(folder, { recursive: true })
  const larderYaml = `site: bench
upstreams:
  upstream: { format: rpm, url: '${url}/', keys: [upstream-keys.gpg], repoGpgcheck: true }
mirrors:
  base: { format: rpm, upstreams: [upstream], architectures: [x86_64], recommends: true, packages: packages.json }
`
  const site = { larderYaml, keyring: upstream.keyring, published: '/rpm/base/repodata/repomd.xml' }
  const larder = await startLarder({ root, folder, site })
  try {
    const times = await larder.push(upstream.roots, 'seconds')
    const peakMiB = larder.memory.togetherPeakMiB()
    const exported = join(folder, 'export')
    await mkdir(exported)
    const args = ['--data', join(folder, 'data'), 'mirror', 'export', 'base', exported]
    await measureProcess(join(root, 'bin/larder'), args)
    const paths = await readdir(join(exported, 'Packages'), { recursive: true })
    const files = paths.filter((path) => path.endsWith('.rpm')).map((path) => path.slice(path.lastIndexOf('/') + 1))
    return { ...times, peakMiB, files: files.sort() }
  } finally {
    await larder.stop()
  }
}

function compareFiles(larder: readonly string[], dnf: readonly string[]): string[] {
  const only = (these: readonly string[], those: readonly string[]): string[] =>
    these.filter((file) => !those.includes(file))
  const [ours, theirs] = [only(larder, dnf), only(dnf, larder)]
  return [
    `${larder.length} packages by Larder, ${dnf.length} by dnf; only Larder: ${ours.join(' ') || 'none'}; only dnf: ${theirs.join(' ') || 'none'}`,
    ...(ours.length + theirs.length === 0
      ? []
      : ['dnf resolves each listed package by itself and takes every answer; Larder resolves the list as a whole']),
  ]
}
