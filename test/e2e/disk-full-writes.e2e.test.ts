import { execa } from 'execa'
import { expect, it } from 'vitest'
import { LarderError } from '../../src/core/index.ts'
import type { FileBlobStore } from '../../src/store/index.ts'
import { startRpmUpstream } from '../fixtures/rpm-upstream/index.ts'
import { startUpstream } from '../fixtures/upstream/index.ts'
import { startInnerController } from './support/inner-controller.ts'
import { rpmSiteText } from './support/open-rpm-site.ts'
import { createRandom } from './support/random.ts'
import { createSiteClone } from './support/site-clone.ts'
import { larderYaml, packageList } from './support/site-text.ts'
import { waitForRuns, waitForSuccess } from './support/wait-for-run.ts'
import { openWorkspace } from './support/workspace.ts'

/** An upstream with packages small, other and large, and the site of a mirror of it. */
interface Formatted {
  mirror: string
  files: (list: readonly string[]) => Record<string, string>
  close: () => Promise<void>
}

const random = createRandom(1)
const noise = Buffer.from(Uint8Array.from({ length: 700_000 }, () => random.below(256)))

async function openApt(): Promise<Formatted> {
  const packages = [
    { name: 'small', version: '1.0' },
    { name: 'other', version: '1.0' },
    { name: 'large', version: '1.0', files: { 'usr/share/large': noise } },
  ]
  const upstream = await startUpstream({ suites: [{ suite: 'stable', packages }] })
  const files = (list: readonly string[]) => ({
    'larder.yaml': larderYaml({ test: upstream.url }, { base: {} }),
    'keys/test.asc': upstream.key,
    'packages.json': packageList(list),
  })
  return { mirror: 'base', files, close: () => upstream.close() }
}

async function openRpm(): Promise<Formatted> {
  const packages = [
    { name: 'small', version: '1.0' },
    { name: 'other', version: '1.0' },
    { name: 'large', version: '1.0', files: { '/usr/share/large': noise.toString('base64') } },
  ]
  const upstream = await startRpmUpstream({ packages })
  const files = (list: readonly string[]) => ({
    'larder.yaml': rpmSiteText(upstream.url, {}),
    'keys/vendor.asc': upstream.key,
    'packages.json': packageList(list),
  })
  return { mirror: 'el9', files, close: () => upstream.close() }
}

it.each([
  ['APT', openApt],
  ['RPM', openRpm],
])(
  '%s: a disk that is full from the nth write of a run on, for every n: nothing by half, and with room the run succeeds',
  async (_, open) => {
    await using workspace = await openWorkspace()
    const { mirror, files, close } = await open()
    let number = 1
    try {
      for (let isReached = true; isReached; number++) {
        const dataFolder = workspace.path(`data${number}`)
        await using controller = await startInnerController(dataFolder)
        const site = await createSiteClone(workspace.path(`site${number}`))
        const commit = (list: readonly string[]): Promise<string> => site.commit(files(list))
        await commit(['small'])
        expect(await site.push(controller)).toMatchObject({ accepted: true })
        await waitForSuccess(controller.client)
        const before = await controller.client.mirror(mirror)

        await commit(['small', 'other', 'large'])
        const fetching = ['fetch', '--quiet', '--', site.folder, '+refs/heads/main:refs/heads/main']
        await execa('git', ['--git-dir', `${dataFolder}/site.git`, ...fetching])
        const disk = fillAtWrite(controller.larder.context.store, number)
        await controller.client.sync()
        const run = await waitForRuns(controller.client)
        isReached = disk.isFull()
        disk.empty()
        expect(await controller.client.verify(mirror)).toEqual([])
        if (isReached) {
          expect(run).toMatchObject({ state: 'failed', error: { code: 'DISK_FULL' } })
          expect(await controller.client.mirror(mirror)).toEqual(before)
          await controller.client.sync()
        }
        await waitForSuccess(controller.client)
        expect(await controller.client.mirror(mirror)).toMatchObject({
          packageCount: 3,
          publication: { generation: 2 },
        })
        expect(await controller.client.verify(mirror)).toEqual([])
      }
    } finally {
      await close()
    }
    // Packages, the pieces of indices, the tree, the seal.
    expect(number).toBeGreaterThan(6)
  },
)

/** From the nth write on, each fails: write, writeMany, append and commit of an upload. */
function fillAtWrite(store: FileBlobStore, failsAt: number): { isFull: () => boolean; empty: () => void } {
  const { write, writeMany, openUpload } = store
  let writes = 0
  const count = (): void => {
    if (++writes >= failsAt) throw new LarderError('DISK_FULL', { message: 'The disk is full, says the test.' })
  }
  store.write = async (...input) => {
    count()
    return write.apply(store, input)
  }
  store.writeMany = async (...input) => {
    count()
    return writeMany.apply(store, input)
  }
  store.openUpload = async (...input) => {
    const upload = await openUpload.apply(store, input)
    const append = upload.append.bind(upload)
    const commit = upload.commit.bind(upload)
    upload.append = async (chunk) => {
      count()
      await append(chunk)
    }
    upload.commit = async (expected) => {
      try {
        count()
      } catch (error) {
        await upload.suspend()
        throw error
      }
      return commit(expected)
    }
    return upload
  }
  return { isFull: () => writes >= failsAt, empty: () => Object.assign(store, { write, writeMany, openUpload }) }
}
