import { cp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, it } from 'vitest'
import type { DoctorReport } from '../../src/app/doctor/doctor-report.ts'
import { startUpstream } from '../fixtures/upstream/index.ts'
import { complaint, createAptClient, fetchSource } from './support/apt-client.ts'
import { startControllerChild, type ControllerChild } from './support/controller-child.ts'
import { freePort } from './support/free-port.ts'
import { runLarder } from './support/larder-command.ts'
import { createRegistryClient, type PushedImage } from './support/registry-client.ts'
import { createSiteClone } from './support/site-clone.ts'
import { larderYaml, packageList } from './support/site-text.ts'
import { waitForSuccess } from './support/wait-for-run.ts'
import { openWorkspace } from './support/workspace.ts'

const backupProgram = new URL('../../examples/larder-backup', import.meta.url).pathname

it('a copy made while it runs is restored, with its blobs and without, and clients go on', async () => {
  await using workspace = await openWorkspace()
  const upstream = await startUpstream({ suites: [{ suite: 'stable', packages: [{ name: 'alpha', version: '1.0' }] }] })
  const [data, backup, bare] = ['data', 'backup', 'bare'].map((name) => workspace.path(name)) as [
    string,
    string,
    string,
  ]
  const client = await createAptClient(workspace.path('client'))
  try {
    const port = await freePort()
    let controller = await startControllerChild({ dataFolder: data, port })
    const site = await createSiteClone(workspace.path('site'))
    const files = { 'larder.yaml': larderYaml({ test: upstream.url }, { base: {} }), 'keys/test.asc': upstream.key }
    await site.commit({ ...files, 'packages.json': packageList(['alpha']) })
    const pushed = await site.push(controller)
    expect(pushed.accepted, pushed.output).toBe(true)
    await waitForSuccess(controller.client)

    const { layer } = await pushImage(controller)

    // Twice: the second takes the place of the first.
    await execa(backupProgram, [data, backup])
    await execa(backupProgram, [data, backup])
    await execa(backupProgram, [data, bare, '--without-blobs'])

    // What comes after the backup is lost, and clients have seen it.
    upstream.suite('stable').packages[0] = { name: 'alpha', version: '1.1' }
    await upstream.publish()
    expect((await controller.larder('mirror', 'sync')).exitCode).toBe(0)
    await client.setSource(await fetchSource(controller.url, 'base'))
    expect((await client.update()).output).not.toMatch(complaint)
    await controller.kill()
    await rm(data, { recursive: true })
    // An upstream that still has what was published then.
    upstream.suite('stable').packages.push({ name: 'beta', version: '1.0' })

    await cp(backup, data, { recursive: true, preserveTimestamps: true })
    controller = await startControllerChild({ dataFolder: data, port })
    try {
      const report = (await controller.larder('doctor', '--deep')).json<DoctorReport>()
      expect(report.findings.filter((one) => one.severity === 'error' && one.check !== 'disk')).toEqual([])
      expect((await controller.larder('mirror', 'verify', 'base')).json()).toEqual([])
      expect((await controller.client.packages('base')).map((one) => one.version)).toEqual(['1.0'])
      // With a date of now, clients that have seen a later one than the backup's follow again.
      expect((await controller.larder('mirror', 'sync')).exitCode).toBe(0)
      expect((await client.update()).output).not.toMatch(complaint)
      expect(await client.candidate('alpha')).toBe('1.1')
      expect((await client.download('alpha')).debs).toEqual(['alpha_1.1_amd64.deb'])
    } finally {
      await controller.kill()
    }
    await checkWithoutBlobs(bare, client.root)
    // Nobody else has what the registry has.
    expect(await readFile(join(bare, 'blobs/sha256', layer.slice(7, 9), layer.slice(7)), 'utf8')).toBe('pushed here')
  } finally {
    await upstream.close()
  }
})

async function pushImage({ url, token }: ControllerChild): Promise<PushedImage> {
  const authorization = `Basic ${Buffer.from(`admin:${token}`).toString('base64')}`
  const registry = createRegistryClient(url, { authorization })
  try {
    return await registry.pushImage('counter', '1', 'pushed here')
  } finally {
    registry.close()
  }
}

/** What is published now comes from the upstream again, and nothing else is needed. */
async function checkWithoutBlobs(folder: string, clientRoot: string): Promise<void> {
  const larder = (...args: string[]) => runLarder(['--json', '--data', folder, ...args])
  const mended = (await larder('doctor', '--fix')).json<DoctorReport & { failedRuns: number[] }>()
  expect(mended.findings.some((one) => one.check === 'publications' && one.fixed)).toBe(true)
  expect(mended.failedRuns).toEqual([])
  expect((await larder('mirror', 'verify', 'base')).json()).toEqual([])
  const again = (await larder('doctor', '--deep', '--fix')).json<DoctorReport>()
  expect(again.findings.filter((one) => one.severity === 'error' && one.check !== 'disk')).toEqual([])
  expect((await larder('gc')).exitCode).toBe(0)
  const exported = join(clientRoot, 'exported')
  expect((await larder('mirror', 'export', 'base', exported)).exitCode).toBe(0)
}
