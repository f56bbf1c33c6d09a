import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createBuildahBuilder } from '../../src/oci/build/buildah.ts'
import type { Bench } from '../report.ts'

const run = promisify(execFile)

/** Some seconds of work of its own, in a stage that is built anew each time, above one that is in the cache. */
const dockerfile = `FROM scratch AS tools
COPY busybox /bin/sh
COPY busybox /bin/busybox
RUN echo tools > /tools
FROM tools
COPY page /page
RUN i=0; while [ $i -lt 60 ]; do /bin/busybox sha256sum /bin/busybox > /sum; i=$((i+1)); done
RUN /bin/busybox dd if=/dev/urandom of=/data bs=1M count=40
`

interface Cost {
  seconds: number
  cpuSeconds: number
}

/** What Larder adds to buildah: the same tree, built with the same cache state, written as an OCI layout. */
export const buildBench: Bench = {
  cases: ['overhead'],
  packages: { buildah: 'the peer', 'busybox-static': 'what the images are made of' },
  async run({ report, runs }) {
    const folder = await mkdtemp(join(tmpdir(), 'larder-bench-build-'))
    try {
      const pairs: [Cost, Cost][] = []
      // The first pair fills both caches.
      for (let round = 0; round <= runs; round++) {
        const larder = await measure(() => byLarder(folder, round))
        const peer = await measure(() => byBuildah(folder, round))
        if (round > 0) pairs.push([larder, peer])
      }
      for (const [name, of] of [
        ['by the clock', (cost: Cost) => cost.seconds],
        ['processor', (cost: Cost) => cost.cpuSeconds],
      ] as const) {
        report.add({
          case: `one image, ${name}`,
          unit: 's',
          larder: median(pairs.map(([larder]) => of(larder))),
          peer: median(pairs.map(([, peer]) => of(peer))),
          peerName: 'buildah',
          ratio: median(pairs.map(([larder, peer]) => of(larder) / of(peer))),
          target: 1.05,
          runs,
        })
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

async function contextOf(folder: string, round: number): Promise<{ contextFolder: string; outputFolder: string }> {
  const own = await mkdtemp(join(folder, 'build-'))
  const contextFolder = join(own, 'context')
  const outputFolder = join(own, 'layout')
  await mkdir(contextFolder)
  await mkdir(outputFolder)
  await copyFile('/bin/busybox', join(contextFolder, 'busybox'))
  await writeFile(join(contextFolder, 'Dockerfile'), dockerfile)
  await writeFile(join(contextFolder, 'page'), `page ${round}`)
  return { contextFolder, outputFolder }
}

async function byLarder(folder: string, round: number): Promise<void> {
  await createBuildahBuilder().build({
    ...(await contextOf(folder, round)),
    dockerfile: 'Dockerfile',
    buildArgs: {},
    labels: {},
    sourceDateEpoch: new Date(1_700_000_000_000),
    limits: { timeoutMs: 600_000, logBytes: 1_000_000, memoryBytes: 1e9, diskBytes: 1e9 },
    network: 'host',
    cacheFolder: join(folder, 'cache'),
    log: () => undefined,
    signal: new AbortController().signal,
  })
}

async function byBuildah(folder: string, round: number): Promise<void> {
  const { contextFolder, outputFolder } = await contextOf(folder, round)
  const storage = [`--root=${join(folder, 'root')}`, `--runroot=${join(folder, 'run')}`, '--storage-driver=overlay']
  const idFile = join(contextFolder, '..', 'id')
  const how = ['--isolation=chroot', '--layers', '--timestamp=315532800', '--network=host', `--iidfile=${idFile}`]
  await run('buildah', [...storage, 'bud', ...how, contextFolder])
  await run('buildah', [...storage, 'push', '--quiet', (await readFile(idFile, 'utf8')).trim(), `oci:${outputFolder}`])
}

async function measure(work: () => Promise<void>): Promise<Cost> {
  const [cpuBefore, before] = [await cpuSeconds(), performance.now()]
  await work()
  return { seconds: (performance.now() - before) / 1000, cpuSeconds: (await cpuSeconds()) - cpuBefore }
}

/** Of this process and of all that it has waited for, which is what an engine had done. Source: proc_pid_stat(5). */
async function cpuSeconds(): Promise<number> {
  const fields = (await readFile('/proc/self/stat', 'utf8')).replace(/^.*\) /, '').split(' ')
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return ticks / 100
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
