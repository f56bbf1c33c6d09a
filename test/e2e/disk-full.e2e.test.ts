import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import { execa } from 'execa'
import { expect, it, vi } from 'vitest'
import { startRpmUpstream } from '../fixtures/rpm-upstream/index.ts'
import { startUpstream } from '../fixtures/upstream/index.ts'
import type { RunSummary } from '../../src/app/controller.ts'
import { complaint, createAptClient, fetchSource } from './support/apt-client.ts'
import { createDnfClient, dnfComplaint, fetchRepo } from './support/dnf-client.ts'
import { startInnerController, type InnerController } from './support/inner-controller.ts'
import { rpmSiteText } from './support/open-rpm-site.ts'
import { createRandom } from './support/random.ts'
import { createSiteClone } from './support/site-clone.ts'
import { larderYaml, packageList } from './support/site-text.ts'
import { waitFor, waitForSuccess } from './support/wait-for-run.ts'
import { openWorkspace } from './support/workspace.ts'

const mebibyte = 1024 ** 2
const names = Array.from({ length: 6 }, (_, index) => `pkg${index + 1}`)

/** Room that is left when the larger push comes: too little for anything, for some packages, for all but the last things. */
const roomBytes = [0, 0.1, 0.3, 1, 2, 3, 6, 12].map((size) => size * mebibyte)

/** What is of a format: an upstream with large packages, a site that mirrors some of them, and a real client. */
interface FormatUpstream {
  mirror: string
  files: (list: readonly string[]) => Record<string, string>
  close: () => Promise<void>
  /** A client that has nothing but the mirror at `url`: gets these packages, and answers their files or names. */
  get: (folder: string, url: string, packages: readonly string[]) => Promise<Got>
}

interface Got {
  packages: string[]
  /** Empty when the client was content. */
  complaints: string
}

async function openApt(noise: () => Buffer): Promise<FormatUpstream> {
  const packages = names.map((name) => ({ name, version: '1.0', files: { [`usr/share/${name}`]: noise() } }))
  const upstream = await startUpstream({ suites: [{ suite: 'stable', packages }] })
  return {
    mirror: 'base',
    files: (list) => ({
      'larder.yaml': larderYaml({ test: upstream.url }, { base: {} }),
      'keys/test.asc': upstream.key,
      'packages.json': packageList(list),
    }),
    close: () => upstream.close(),
    async get(folder, url, wanted) {
      const client = await createAptClient(folder)
      await client.setSource(await fetchSource(url, 'base'))
      const { output } = await client.update()
      const { debs } = await client.download(...wanted)
      return { packages: debs.map((deb) => deb.replace(/_.*/, '')), complaints: complaint.test(output) ? output : '' }
    },
  }
}

async function openRpm(noise: () => Buffer): Promise<FormatUpstream> {
  const packages = names.map((name) => {
    return { name, version: '1', files: { [`/usr/share/${name}`]: noise().toString('base64') } }
  })
  const upstream = await startRpmUpstream({ packages })
  return {
    mirror: 'el9',
    files: (list) => ({
      'larder.yaml': rpmSiteText(upstream.url, {}),
      'keys/vendor.asc': upstream.key,
      'packages.json': packageList(list),
    }),
    close: () => upstream.close(),
    async get(folder, url, wanted) {
      const client = await createDnfClient(folder)
      await client.setRepo(await fetchRepo(url, 'el9'))
      const { output } = await client.install(...wanted)
      const installed = (await client.installed()).map((nevra) => nevra.replace(/-1-1\.x86_64$/, ''))
      return { packages: installed, complaints: dnfComplaint.test(output) ? output : '' }
    },
  }
}

it.for([
  ['APT', openApt],
  ['RPM', openRpm],
] as const)(
  '%s: a disk with too little room: DISK_FULL, the old publication goes on, and with more room the run succeeds',
  async ([, open], context) => {
    if (process.getuid?.() !== 0) context.skip('only root can mount a small file system')
    await using workspace = await openWorkspace()
    const random = createRandom(1)
    const upstream = await open(() => Buffer.from(Uint8Array.from({ length: 700_000 }, () => random.below(256))))
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
  },
)

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
  upstream: FormatUpstream
  folder: string
}

/** Publishes one package, leaves so much room, asks for six, and makes room again. */
async function fillAndFree({ disk, room, upstream, folder }: Fill): Promise<'full' | 'enough'> {
  await mkdir(folder)
  await using controller = await startInnerController(`${disk.folder}/data`)
  const site = await createSiteClone(`${folder}/site`)
  const { mirror } = upstream
  const commit = (count: number): Promise<string> => site.commit(upstream.files(names.slice(0, count)))
  const expectToGet = async (count: number): Promise<void> => {
    const wanted = names.slice(0, count)
    const got = await upstream.get(`${folder}/client${count}`, controller.url, wanted)
    expect(got).toEqual({ packages: wanted, complaints: '' })
  }
  await commit(1)
  expect(await site.push(controller)).toMatchObject({ accepted: true })
  await waitForSuccess(controller.client)
  const before = await controller.client.mirror(mirror)

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
  expect((await fetch(`${controller.url}/healthz`)).status).toBe(200)
  expect(await controller.client.verify(mirror)).toEqual([])
  if (settled === 'full') expect((await controller.client.mirror(mirror)).publication).toEqual(before.publication)
  await expectToGet(1)

  await rm(filler)
  if (settled === 'full') await controller.client.sync()
  await waitFor('the publication', async () =>
    (await controller.client.mirror(mirror)).packageCount === names.length ? true : undefined,
  )
  expect((await waitForSuccess(controller.client)).commit).toBe(head)
  await expectToGet(names.length)
  expect(await controller.client.verify(mirror)).toEqual([])
  return settled
}

/** A run for which there is no room fails after its tries, and says why. Where not even a run can be written down, the answer is that. */
async function syncUntilSettled({ client, larder }: InnerController): Promise<'full' | 'enough'> {
  using errors = vi.spyOn(larder.context.log, 'error')
  const refused = await client.sync().then(
    () => undefined,
    (error: unknown) => error,
  )
  if (refused !== undefined) {
    expect(refused).toMatchObject({ code: 'DISK_FULL' })
    return 'full'
  }
  // Without room for a word about its end it is tried again and again, and the log of the controller says so.
  const isLost = () =>
    errors.mock.calls.some(([message]) => message.startsWith('the end of a run could not be written'))
  const run = await waitFor(
    'the run to end',
    async () => (await newestEnded(client)) ?? (isLost() ? 'lost' : undefined),
  )
  if (run === 'lost') return 'full'
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
