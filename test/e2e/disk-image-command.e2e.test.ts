import { readdir } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeArchive } from '../../src/oci/testing/archive.ts'
import { bootableEntries } from '../../src/oci/testing/bootable-archive.ts'
import { startStandInAws, type StandInAws } from '../../src/oci/testing/stand-in-aws.ts'
import { writeLayout } from '../../src/oci/testing/write-layout.ts'
import { runLarder } from './support/larder-command.ts'
import { openWorkspace, type Workspace } from './support/workspace.ts'

const region = 'eu-central-1'
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret' }

let workspace: Workspace
let aws: StandInAws
beforeEach(async () => {
  workspace = await openWorkspace()
  aws = await startStandInAws({ region, credentials })
})
afterEach(async () => {
  await aws[Symbol.asyncDispose]()
  await workspace[Symbol.asyncDispose]()
})

function larder(args: readonly string[], environment: Record<string, string> = {}) {
  const login = { AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey }
  const env = { PATH: process.env['PATH'], SOURCE_DATE_EPOCH: '1790000000', ...login, ...environment }
  return runLarder(['--data', workspace.path('data'), '--json', ...args], { env })
}

describe('larder disk', () => {
  it('makes a disk of a layout, and an image in EC2 of that', async () => {
    await writeLayout(workspace.path('layout'), { layers: [{ bytes: await makeArchive(bootableEntries) }] })
    const disk = workspace.path('disk.raw')
    const made = await larder(['disk', 'make', workspace.path('layout'), disk, '--format', 'raw', '--size-gb', '0.2'])
    expect(made, made.stderr).toMatchObject({ exitCode: 0 })
    expect(made.json()).toMatchObject({ format: 'raw', kernelRelease: '6.1.0-9-amd64', firmware: 'both' })

    const where = ['--region', region, '--bucket', 'disks', '--ec2-endpoint', aws.url, '--s3-endpoint', aws.url]
    const toEc2 = ['disk', 'to-ec2', disk, '--name', 'counter-1.4.0', ...where]
    const imported = await larder(toEc2)
    expect(imported, imported.stderr).toMatchObject({ exitCode: 0 })
    expect(imported.json()).toEqual({
      imageId: 'ami-0',
      snapshotId: 'snap-import-snap-0',
      region,
      name: 'counter-1.4.0',
    })
    expect(aws.objects.size).toBe(0)
    const again = await larder(toEc2)
    expect(again.json()).toEqual(imported.json())
    expect(aws.images.size).toBe(1)
  })

  it('says what is missing, and leaves nothing', async () => {
    const application = [{ name: 'etc/os-release', content: 'ID=debian\n' }]
    await writeLayout(workspace.path('layout'), { layers: [{ bytes: await makeArchive(application) }] })
    const refused = await larder(['disk', 'make', workspace.path('layout'), workspace.path('disk.qcow2')])
    expect(refused).toMatchObject({ exitCode: 3, stdout: '' })
    expect(refused.json()).toMatchObject({
      error: { code: 'DISK_IMAGE_UNBOOTABLE', context: { missing: ['kernel', 'init'] } },
    })
    expect(await readdir(workspace.folder)).toEqual(['layout'])
  })

  it.each([
    ['no file', ['disk', 'to-ec2', 'none.raw'], {}, 'NOT_FOUND'],
    ['no credentials', ['disk', 'to-ec2', import.meta.filename], { AWS_SECRET_ACCESS_KEY: '' }, 'USAGE'],
  ])('refuses %s', async (_, words, environment, code) => {
    const where = ['--name', 'counter-1.4.0', '--region', region, '--bucket', 'disks', '--ec2-endpoint', aws.url]
    const refused = await larder([...words, ...where], environment)
    expect(refused.exitCode).toBe(2)
    expect(refused.json()).toMatchObject({ error: { code } })
    expect(aws.calls).toEqual([])
  })
})
