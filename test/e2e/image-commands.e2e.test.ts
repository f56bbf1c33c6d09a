import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startControllerChild, type ControllerChild } from './support/controller-child.ts'
import { runLarder } from './support/larder-command.ts'
import { createSiteClone } from './support/site-clone.ts'
import { waitForSuccess } from './support/wait-for-run.ts'
import { openWorkspace, type Workspace } from './support/workspace.ts'

let workspace: Workspace
let controller: ControllerChild

beforeAll(async () => {
  workspace = await openWorkspace()
  controller = await startControllerChild({ dataFolder: workspace.path('data') })
  const site = await createSiteClone(workspace.path('site'))
  await mkdir(join(site.folder, 'counter'))
  await copyFile('/bin/busybox', join(site.folder, 'counter/busybox'))
  await site.commit({
    'larder.yaml': 'site: factory\nimages: { list: images.json }\n',
    'images.json': JSON.stringify([{ service_name: 'counter', type: 'Docker', version: '1.0' }]),
    'counter/Dockerfile': 'FROM scratch\nCOPY busybox /bin/busybox\nCMD ["/bin/busybox"]\n',
  })
  const pushed = await site.push(controller)
  expect(pushed.accepted, pushed.output).toBe(true)
  await waitForSuccess(controller.client, 120_000)
})
afterAll(async () => {
  await controller.stop()
  await workspace[Symbol.asyncDispose]()
})

const larder = (...args: string[]) => runLarder(['--data', workspace.path('data'), ...args])
const tagStatus = async () => (await fetch(`${controller.url}/v2/counter/manifests/1.0`)).status

it('ls and show say what there is, for people and for programs', async () => {
  const listed = await larder('image', 'ls')
  expect(listed, listed.stderr).toMatchObject({ exitCode: 0 })
  expect(listed.stdout).toMatch(/^counter +Docker +1\.0 +published /m)
  expect((await larder('--json', 'image', 'ls')).json()).toMatchObject([{ name: 'counter', state: 'published' }])
  const { stdout } = await larder('image', 'show', 'counter')
  const { digest } = await controller.client.image('counter')
  expect(stdout).toMatch(new RegExp(`^pull it as \\S+/counter:1\\.0 \\(${digest ?? ''}\\)$`, 'm'))
  for (const proof of ['application/spdx+json', 'application/vnd.dsse.envelope.v1+json'])
    expect(stdout).toContain(proof)
  const unknown = await larder('--json', 'image', 'show', 'other')
  expect([unknown.exitCode, unknown.json()]).toMatchObject([2, { error: { code: 'IMAGE_UNKNOWN' } }])
})

it('verify reads every byte, and names what is damaged', async () => {
  const whole = await larder('image', 'verify', 'counter')
  expect([whole.exitCode, whole.stdout]).toEqual([0, 'counter 1.0 is whole, and signed by this Larder'])
  const { layers } = (await (await fetch(`${controller.url}/v2/counter/manifests/1.0`)).json()) as { layers: { digest: string }[] } // prettier-ignore
  const hex = layers[0]!.digest.slice('sha256:'.length)
  const blobs = join(workspace.path('data'), 'blobs')
  const path = join(
    blobs,
    (await readdir(blobs, { recursive: true })).find((name) => name.endsWith(hex))!,
  )
  const bytes = await readFile(path)
  await writeFile(path, Buffer.concat([bytes.subarray(0, -1), Buffer.from([bytes.at(-1)! ^ 1])]))
  const damaged = await larder('image', 'verify', 'counter', '1.0')
  expect([damaged.exitCode, damaged.stdout]).toEqual([1, expect.stringMatching(/^counter 1\.0: /) as string])
  await writeFile(path, bytes)
  expect((await larder('image', 'verify', 'counter', '1.0')).exitCode).toBe(0)
})

it('rm removes a version, and build brings it back as it was', async () => {
  const { digest } = await controller.client.image('counter')
  const removed = await larder('image', 'rm', 'counter', '1.0')
  expect([removed.exitCode, removed.stdout]).toEqual([0, expect.stringMatching(/^removed /) as string])
  expect(await tagStatus()).toBe(404)
  const again = await larder('image', 'rm', 'counter', '1.0')
  expect(again.exitCode).not.toBe(0)
  const built = await larder('--json', 'image', 'build')
  expect(built, built.stderr).toMatchObject({ exitCode: 0 })
  expect(built.json()).toMatchObject({ state: 'succeeded' })
  expect(await tagStatus()).toBe(200)
  expect((await controller.client.image('counter')).digest).toBe(digest)
  const unchanged = await larder('--json', 'image', 'build')
  expect(unchanged.json()).toMatchObject({ state: 'succeeded', plan: [] })
})
