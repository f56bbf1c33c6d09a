import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { execa } from 'execa'
import { expect, it } from 'vitest'
import { startController } from '../../src/app/controller-process.ts'
import { dataFolderAt } from '../../src/app/data-folder.ts'
import { systemClock } from '../../src/core/index.ts'
import { makeArchive } from '../../src/oci/testing/archive.ts'
import { bootableEntries } from '../../src/oci/testing/bootable-archive.ts'
import { startStandInAws } from '../../src/oci/testing/stand-in-aws.ts'
import { writeLayout } from '../../src/oci/testing/write-layout.ts'
import { createRegistryClient } from './support/registry-client.ts'
import { createSiteClone } from './support/site-clone.ts'
import { openWorkspace } from './support/workspace.ts'

const region = 'eu-central-1'
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret' }
/** What a base needs besides: an image of an application runs in it as a service. */
const systemd = [
  { name: 'usr/lib', type: 'directory' as const },
  { name: 'usr/lib/systemd', type: 'directory' as const },
  { name: 'usr/lib/systemd/systemd', mode: 0o755, content: '#!/bin/sh\n' },
]

it('a disk stands on a base of the registry, has its kernel arguments, and becomes an image in EC2', async () => {
  await using workspace = await openWorkspace()
  await using aws = await startStandInAws({ region, credentials })
  const data = workspace.path('data')
  await mkdir(data)
  await writeFile(workspace.path('aws'), `AWS_ACCESS_KEY_ID=${credentials.accessKeyId}\nAWS_SECRET_ACCESS_KEY=${credentials.secretAccessKey}\n`) // prettier-ignore
  await writeFile(
    `${data}/controller.yaml`,
    `ec2: { region: ${region}, bucket: disks, credentialsFile: ${workspace.path('aws')}, endpoints: { ec2: '${aws.url}', s3: '${aws.url}' } }\n`,
  )
  const controller = await startController({
    dataFolder: dataFolderAt(data, {}),
    clock: systemClock,
    logLevel: 'error',
    environment: process.env,
    host: '127.0.0.1',
    port: 0,
    openRegistry: true,
  })
  const client = createRegistryClient(controller.url)
  try {
    await writeLayout(workspace.path('base'), {
      layers: [{ bytes: await makeArchive([...bootableEntries, ...systemd]) }],
    })
    const base = `docker://${new URL(controller.url).host}/machine:1.0`
    await writeFile(workspace.path('policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}')
    const policy = ['--policy', workspace.path('policy.json')]
    const site = await createSiteClone(workspace.path('site'))
    await mkdir(`${site.folder}/counter`)
    await copyFile('/bin/busybox', `${site.folder}/counter/busybox`)
    const disk = { format: 'raw', size_gb: 0.2, firmware: 'bios', kernel_arguments: ['panic=7'], base: 'machine:1.0', ec2: true } // prettier-ignore
    const files = (version: string) => ({
      'larder.yaml': 'site: factory\nimages: { list: images.json }\n',
      'images.json': JSON.stringify([{ service_name: 'counter', type: 'AMI', version, disk }]),
      'counter/Dockerfile': 'FROM scratch\nCOPY busybox /bin/busybox\nCMD ["/bin/busybox"]\n',
    })
    await site.commit(files('1.0'))
    const early = await site.push(controller)
    expect(early.output).toContain('machine:1.0')
    await controller.larder.context.runner.idle()
    const [failed] = await controller.larder.controller.runs({ limit: 1 })
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'IMAGE_UNKNOWN' } })
    await execa('skopeo', ['copy', ...policy, '--dest-tls-verify=false', `oci:${workspace.path('base')}`, base])
    await controller.larder.controller.buildImages()
    await controller.larder.context.runner.idle()
    const [run] = await controller.larder.controller.runs({ limit: 1 })
    expect(run, JSON.stringify(run?.error)).toMatchObject({ state: 'succeeded' })
    expect([...aws.images.values()]).toHaveLength(1)
    expect(aws.objects.size).toBe(0)
    const { builds } = await controller.larder.controller.image('counter')
    expect(builds[0]).toMatchObject({ version: '1.0', state: 'published', ec2: { imageId: 'ami-0', region } })
    const manifest = (await client.ask('GET', '/v2/counter/manifests/1.0')).json<{ layers: { digest: string }[] }>()
    const { body } = await client.ask('GET', `/v2/counter/blobs/${manifest.layers[0]!.digest}`)
    expect(body.includes("'panic=7'")).toBe(true)

    // The same sources under another version are not built again, and not brought to EC2 again.
    await site.commit(files('1.1'))
    expect(await site.push(controller)).toMatchObject({ accepted: true })
    await controller.larder.context.runner.idle()
    expect(aws.images.size).toBe(1)
  } finally {
    client.close()
    await controller.stop()
  }
})
