import { open, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DoctorFinding, DoctorReport } from '../../src/app/doctor/doctor-report.ts'
import type { Digest } from '../../src/core/index.ts'
import { startUpstream, type Upstream } from '../fixtures/upstream/index.ts'
import { complaint, createAptClient, fetchSource } from './support/apt-client.ts'
import { startControllerChild, type ControllerChild } from './support/controller-child.ts'
import { runLarder } from './support/larder-command.ts'
import { createSiteClone } from './support/site-clone.ts'
import { larderYaml, packageList } from './support/site-text.ts'
import { waitForSuccess } from './support/wait-for-run.ts'
import { openWorkspace, type Workspace } from './support/workspace.ts'

let workspace: Workspace
let upstream: Upstream
let controller: ControllerChild

beforeAll(async () => {
  workspace = await openWorkspace()
  const names = ['alpha', 'beta', 'gamma']
  upstream = await startUpstream({
    suites: [{ suite: 'stable', packages: names.map((name) => ({ name, version: '1.0' })) }],
  })
  controller = await startControllerChild({ dataFolder: workspace.path('data') })
  const site = await createSiteClone(workspace.path('site'))
  await site.commit({
    'larder.yaml': larderYaml({ test: upstream.url }, { base: {} }),
    'keys/test.asc': upstream.key,
    'packages.json': packageList(names),
  })
  const pushed = await site.push(controller)
  expect(pushed.accepted, pushed.output).toBe(true)
  await waitForSuccess(controller.client)
})
afterAll(async () => {
  await controller[Symbol.asyncDispose]()
  await upstream.close()
  await workspace[Symbol.asyncDispose]()
})

async function doctor(...options: string[]): Promise<{ exitCode: number; report: DoctorReport }> {
  const { exitCode, stdout, stderr } = await controller.larder('doctor', ...options)
  expect(stdout, stderr).not.toBe('')
  return { exitCode, report: JSON.parse(stdout) as DoctorReport }
}

const about = ({ findings }: DoctorReport, check: string): DoctorFinding[] =>
  findings.filter((one) => one.check === check)

function blobPath(digest: Digest): string {
  const hex = digest.slice('sha256:'.length)
  return join(workspace.path('data'), 'blobs/sha256', hex.slice(0, 2), hex)
}

async function flipByte(digest: Digest): Promise<void> {
  const path = blobPath(digest)
  const { size } = await stat(path)
  const handle = await open(path, 'r+')
  const byte = Buffer.alloc(1)
  await handle.read(byte, 0, 1, size >> 1)
  byte[0] = byte[0]! ^ 0xff
  await handle.write(byte, 0, 1, size >> 1)
  await handle.close()
}

async function digestOfPackage(name: string): Promise<Digest> {
  const found = (await controller.client.packages('base')).find((one) => one.name === name)
  if (found === undefined || found.digest === '') throw new Error(`no ${name} in the mirror`)
  return found.digest
}

async function verified(): Promise<unknown> {
  return (await controller.larder('mirror', 'verify', 'base')).json()
}

describe('a running controller', () => {
  it('has nothing wrong', async () => {
    const { exitCode, report } = await doctor('--deep')
    expect(report.findings.filter((one) => one.severity === 'error' || one.check !== 'disk')).toEqual([])
    expect(exitCode).toBe(report.findings.length === 0 ? 0 : 1)
    expect(report.usage.blobCount).toBeGreaterThan(10)
  })

  it('has a byte of a package flipped: --deep names it, --fix mends it, and apt gets it', async () => {
    const digest = await digestOfPackage('beta')
    await flipByte(digest)
    expect((await doctor()).report.findings.filter((one) => one.check === 'blobs')).toEqual([])
    const seen = await doctor('--deep')
    expect(seen.exitCode).toBe(1)
    const [finding, ...others] = about(seen.report, 'blobs')
    expect(others).toEqual([])
    expect(finding).toMatchObject({ severity: 'error', subject: 'mirror base', fixable: true, fixed: false })
    expect(finding?.message).toContain(digest)
    expect(finding?.message).toContain('beta_1.0_amd64.deb of the publication of base')
    expect(await verified()).toHaveLength(1)

    upstream.clearLog()
    const mended = await doctor('--deep', '--fix')
    expect(about(mended.report, 'blobs')).toMatchObject([{ fixed: true }])
    expect(mended.report.runs).toHaveLength(1)
    expect(upstream.requestsFor(/\.deb$/).map(({ path }) => path)).toEqual(['pool/main/b/beta/beta_1.0_amd64.deb'])
    expect(await verified()).toEqual([])
    expect(about((await doctor('--deep')).report, 'blobs')).toEqual([])

    const client = await createAptClient(workspace.path('client'))
    await client.setSource(await fetchSource(controller.url, 'base'))
    expect((await client.update()).output).not.toMatch(complaint)
    expect((await client.download('beta')).debs).toEqual(['beta_1.0_amd64.deb'])
  })

  it('is mended without --deep when packages were deleted or cut short', async () => {
    const [gone, short] = [await digestOfPackage('alpha'), await digestOfPackage('gamma')]
    await rm(blobPath(gone))
    await writeFile(blobPath(short), 'short')
    const { exitCode, report } = await doctor()
    expect(exitCode).toBe(1)
    const messages = about(report, 'publications').map((one) => one.message)
    expect(messages).toEqual([
      expect.stringMatching(/alpha_1\.0_amd64\.deb, of the publication of base, is missing/),
      expect.stringMatching(/gamma_1\.0_amd64\.deb, of the publication of base, is of the wrong size/),
    ])
    await doctor('--fix')
    expect(await verified()).toEqual([])
    expect(about((await doctor()).report, 'publications')).toEqual([])
  })

  it('is mended when every single blob is damaged', async () => {
    const digests: Digest[] = []
    for (const entry of await readdir(join(workspace.path('data'), 'blobs'), { recursive: true })) {
      const name = entry.split('/').at(-1) ?? ''
      if (/^[0-9a-f]{64}$/.test(name)) digests.push(`sha256:${name}` as Digest)
    }
    for (const digest of digests) await flipByte(digest)
    const { report } = await doctor('--deep', '--fix')
    expect(about(report, 'blobs').length + about(report, 'publications').length).toBeGreaterThan(5)
    const again = await doctor('--deep', '--fix')
    expect(again.report.findings.filter((one) => one.severity === 'error' && one.check !== 'disk')).toEqual([])
    expect(await verified()).toEqual([])
    const client = await createAptClient(workspace.path('client-2'))
    await client.setSource(await fetchSource(controller.url, 'base'))
    expect((await client.update()).output).not.toMatch(complaint)
    expect((await client.download('alpha', 'beta', 'gamma')).debs).toHaveLength(3)
  })
})

it('a controller that hangs is told as such, by every command', async () => {
  process.kill(controller.pid, 'SIGSTOP')
  try {
    const { exitCode, stderr } = await controller.larder('doctor')
    expect([exitCode, JSON.parse(stderr)]).toMatchObject([1, { error: { code: 'CONTROLLER_UNREACHABLE' } }])
    expect(stderr).toContain(`kill -9 ${controller.pid}`)
  } finally {
    process.kill(controller.pid, 'SIGCONT')
  }
})

it('works on a data folder that no controller owns', async () => {
  await controller.kill()
  const args = ['--json', '--data', workspace.path('data'), 'doctor']
  const whole = (await runLarder([...args, '--deep'])).json<DoctorReport>()
  // What was mended above was mended on the disk, too.
  expect([...about(whole, 'blobs'), ...about(whole, 'publications').filter((one) => one.severity === 'error')]).toEqual(
    [],
  )
  const seen = (await runLarder(args)).json<DoctorReport>()
  expect(about(seen, 'address').map((one) => one.message)).toEqual([
    expect.stringContaining('No controller runs'),
    expect.stringContaining('left over'),
  ])
  const mended = (await runLarder([...args, '--fix'])).json<DoctorReport>()
  expect(about(mended, 'address').map((one) => one.fixed)).toEqual([false, true])
  expect(about((await runLarder(args)).json<DoctorReport>(), 'address')).toHaveLength(1)
})
