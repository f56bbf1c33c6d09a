import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import { execa } from 'execa'
import { expect, it } from 'vitest'
import { startUpstream, type Upstream } from '../fixtures/upstream/index.ts'
import type { RunSummary } from '../../src/app/controller.ts'
import { complaint, createAptClient, fetchSource } from './support/apt-client.ts'
import { startInnerController, type InnerController } from './support/inner-controller.ts'
import { createRandom } from './support/random.ts'
import { createSiteClone } from './support/site-clone.ts'
import { larderYaml, packageList } from './support/site-text.ts'
import { waitFor, waitForSuccess } from './support/wait-for-run.ts'
import { openWorkspace } from './support/workspace.ts'

const mebibyte = 1024 ** 2
const names = Array.from({ length: 6 }, (_, index) => `pkg${index + 1}`)

/** Room that is left when the larger push comes: too little for anything, for some packages, for all but the last things. */
const roomBytes = [0, 0.1, 0.3, 1, 2, 3, 6, 12].map((size) => size * mebibyte)

it('a disk with too little room: DISK_FULL, the old publication goes on, and with more room the run succeeds', async (context) => {
  if (process.getuid?.() !== 0) context.skip('only root can mount a small file system')
  await using workspace = await openWorkspace()
  const random = createRandom(1)
  const noise = (): Buffer => Buffer.from(Uint8Array.from({ length: 700_000 }, () => random.below(256)))
  const packages = names.map((name) => ({ name, version: '1.0', files: { [`usr/share/${name}`]: noise() } }))
  const upstream = await startUpstream({ suites: [{ suite: 'stable', packages }] })
  const outcomes: string[] = []
  try {
    for (const [number, room] of roomBytes.entries()) {
      await using disk = await mountDisk(workspace.path(`disk${number}`), 48 * mebibyte)
      outcomes.push(await fillAndFree({ disk, room, upstream, folder: workspace.path(`work${number}`) }))
    }
  } finally {
    await upstream.close()
  }
  // The table has both ends, or it proves nothing.
  expect(outcomes[0]).toBe('full')
  expect(outcomes).toContain('enough')
})

interface Disk extends AsyncDisposable {
  folder: string
}

async function mountDisk(folder: string, sizeBytes: number): Promise<Disk> {
  await mkdir(folder)
  await execa('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'larder-e2e', folder])
  return {
    folder,
    [Symbol.asyncDispose]: async () => {
      await execa('umount', ['--lazy', folder])
    },
  }
}

interface Fill {
  disk: Disk
  room: number
  upstream: Upstream
  folder: string
}

/** Publishes one package, leaves so much room, asks for six, and makes room again. */
async function fillAndFree({ disk, room, upstream, folder }: Fill): Promise<'full' | 'enough'> {
  await mkdir(folder)
  await using controller = await startInnerController(`${disk.folder}/data`)
  const site = await createSiteClone(`${folder}/site`)
  const commit = (count: number): Promise<string> =>
    site.commit({
      'larder.yaml': larderYaml({ test: upstream.url }, { base: {} }),
      'keys/test.asc': upstream.key,
      'packages.json': packageList(names.slice(0, count)),
    })
  await commit(1)
  expect(await site.push(controller)).toMatchObject({ accepted: true })
  await waitForSuccess(controller.client)
  const client = await createAptClient(`${folder}/client`)
  await client.setSource(await fetchSource(controller.url, 'base'))
  const before = await controller.client.mirror('base')

  // The commit arrives while there is room: what is tested is the run.
  await commit(names.length)
  const head = await site.git('rev-parse', 'HEAD')
  await execa('git', [
    '--git-dir',
    `${disk.folder}/data/site.git`,
    'fetch',
    '--quiet',
    '--',
    site.folder,
    '+refs/heads/main:refs/heads/main',
  ])
  const filler = `${disk.folder}/filler`
  await fillUpTo(filler, disk.folder, room)
  const settled = await syncUntilSettled(controller)
  expect((await client.update()).output).not.toMatch(complaint)
  expect((await client.download('pkg1')).debs).toEqual(['pkg1_1.0_amd64.deb'])
  expect((await fetch(`${controller.url}/healthz`)).status).toBe(200)
  expect(await controller.client.verify('base')).toEqual([])
  if (settled === 'full') expect((await controller.client.mirror('base')).publication).toEqual(before.publication)

  await rm(filler)
  if (settled === 'full') await controller.client.sync()
  await waitFor('the publication', async () =>
    (await controller.client.mirror('base')).packageCount === names.length ? true : undefined,
  )
  expect((await waitForSuccess(controller.client)).commit).toBe(head)
  expect((await client.update()).output).not.toMatch(complaint)
  expect((await client.download(...names)).debs).toHaveLength(names.length)
  expect(await controller.client.verify('base')).toEqual([])
  return settled
}

/** A run for which there is no room fails after its tries, and says why. Where not even a run can be written down, the answer is that. */
async function syncUntilSettled({ client }: InnerController): Promise<'full' | 'enough'> {
  const refused = await client.sync().then(
    () => undefined,
    (error: unknown) => error,
  )
  if (refused !== undefined) {
    expect(refused).toMatchObject({ code: 'DISK_FULL' })
    return 'full'
  }
  // Without room for a word about its end it is tried again and again.
  const run = await waitFor('the run to end', () => newestEnded(client), 5000).catch(() => undefined)
  if (run === undefined) return 'full'
  if (run.state === 'succeeded') return 'enough'
  expect(run).toMatchObject({ state: 'failed', error: { code: 'DISK_FULL' } })
  return 'full'
}

async function newestEnded(client: InnerController['client']): Promise<RunSummary | undefined> {
  const [newest] = await client.runs({ limit: 1 })
  return newest?.finishedAt === undefined ? undefined : newest
}

async function fillUpTo(path: string, folder: string, leftBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  await writeFile(path, Buffer.alloc(Math.max(0, bavail * bsize - leftBytes), 1))
}
