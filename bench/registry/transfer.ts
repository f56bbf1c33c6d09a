import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { median, medianRatio } from '../report.ts'
import type { RegistryBenchContext } from './bench.ts'
import type { RegistryProcess } from './servers.ts'

const run = promisify(execFile)
const blobBytes = 512 * 1024 ** 2
const parallelPulls = 8
/** In the terms of the ratio. */
const [mostPush, mostPull, mostParallel] = [0.4, 1.2, 1]
const mostPeakMiB = 150

interface Times {
  push: number[]
  pull: number[]
  parallel: number[]
  pushCpu: number[]
}

/** Pushes and pulls of one large blob, in turn, a new blob in every round; the client of both is curl. */
export async function measureTransfer(
  context: RegistryBenchContext,
  both: [RegistryProcess, RegistryProcess],
): Promise<void> {
  const { report, runs, folder } = context
  const file = join(folder, 'blob')
  await writeNoise(file)
  const times: [Times, Times] = [noTimes(), noTimes()]
  for (let round = -1; round < runs; round++) {
    const digest = await makeNew(file)
    for (const [index, registry] of both.entries()) {
      const into = round < 0 ? noTimes() : times[index]!
      await transfer(registry, { file, digest, round, into })
      report.note(`    ${registry.name}, load ${(loadavg()[0] ?? 0).toFixed(1)}: ${said(into)}`)
    }
  }
  const [ours, theirs] = times
  const peerName = both[1].name
  const row = (name: string, kind: keyof Times, target?: number) => {
    const [larder, peer] = [ours[kind], theirs[kind]]
    const common = { case: name, unit: 's', larder: median(larder), peer: median(peer), peerName, runs }
    report.add({ ...common, ratio: medianRatio(larder, peer), ...(target === undefined ? {} : { target }) })
  }
  row('push: a blob of 512 MiB', 'push', mostPush)
  row('push: processor time of the registry', 'pushCpu')
  row('pull: a blob of 512 MiB', 'pull', mostPull)
  row(`pull: ${parallelPulls} at once`, 'parallel', mostParallel)
  const peakMiB = both[0].memory.peakMiB()
  report.add({
    case: 'memory during pushes and pulls',
    unit: 'MiB',
    larder: peakMiB,
    peer: both[1].memory.peakMiB(),
    peerName,
    runs,
  })
  report.add({ case: 'memory, against its limit', unit: 'MiB', larder: peakMiB, target: mostPeakMiB, runs, peakMiB })
}

async function transfer(
  registry: RegistryProcess,
  { file, digest, round, into }: { file: string; digest: string; round: number; into: Times },
): Promise<void> {
  const repository = `${registry.url}/v2/bench/round${round + 1}`
  const cpuBefore = await registry.cpuSeconds()
  into.push.push(await timed(() => push(repository, file, digest)))
  into.pushCpu.push((await registry.cpuSeconds()) - cpuBefore)
  const url = `${repository}/blobs/${digest}`
  if (round < 0) await checkPulled(url, digest)
  into.pull.push(await timed(() => pull(url)))
  into.parallel.push(await timed(() => Promise.all(Array.from({ length: parallelPulls }, () => pull(url)))))
}

/** As docker does: one stream, then the digest. */
async function push(repository: string, file: string, digest: string): Promise<void> {
  const begun = await fetch(`${repository}/blobs/uploads/`, { method: 'POST' })
  const patched = await curl('-X', 'PATCH', '-T', file, '-D', '-', at(repository, begun.headers.get('location')))
  const location = /^location: *(\S+)/im.exec(patched)?.[1]
  if (!/^HTTP\/1.1 202/m.test(patched)) throw new Error(`a part was not taken: ${patched}`)
  const closing = new URL(at(repository, location))
  closing.searchParams.set('digest', digest)
  const put = await fetch(closing, { method: 'PUT' })
  if (put.status !== 201) throw new Error(`a push was not taken: ${put.status} ${await put.text()}`)
}

async function pull(url: string): Promise<void> {
  const size = await curl('-o', '/dev/null', '-w', '%{size_download}', url)
  if (Number(size) !== blobBytes) throw new Error(`${url}: ${size} bytes instead of ${blobBytes}`)
}

async function checkPulled(url: string, digest: string): Promise<void> {
  const hash = createHash('sha256')
  const { body } = await fetch(url)
  for await (const chunk of body!) hash.update(chunk as Uint8Array)
  if (`sha256:${hash.digest('hex')}` !== digest) throw new Error(`${url} gives other bytes`)
}

async function curl(...args: string[]): Promise<string> {
  const { stdout } = await run('curl', ['--silent', '--show-error', '--noproxy', '*', '-H', 'Expect:', ...args])
  return stdout
}

function at(base: string, location: string | null | undefined): string {
  return new URL(location ?? '', base).href
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}

async function writeNoise(file: string): Promise<void> {
  const handle = await open(file, 'w')
  const piece = randomBytes(4 * 1024 ** 2)
  for (let done = 0; done < blobBytes; done += piece.length) await handle.write(piece)
  await handle.close()
}

/** Another blob of the same size. Answers its digest. */
async function makeNew(file: string): Promise<string> {
  const handle: FileHandle = await open(file, 'r+')
  await handle.write(randomBytes(64), 0, 64, 0)
  await handle.close()
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 ** 2 })) hash.update(chunk as Buffer)
  return `sha256:${hash.digest('hex')}`
}

function noTimes(): Times {
  return { push: [], pull: [], parallel: [], pushCpu: [] }
}

function said({ push: pushes, pull: pulls, parallel, pushCpu }: Times): string {
  const last = (values: number[]) => (values.at(-1) ?? NaN).toFixed(2)
  return `push ${last(pushes)} s (processor ${last(pushCpu)} s), pull ${last(pulls)} s, ${parallelPulls} at once ${last(parallel)} s`
}
