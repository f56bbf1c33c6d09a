import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, writeFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBuildahBuilder } from '../../src/oci/build/buildah.ts'
import { requestOf } from '../../src/oci/build/image-builder.contract.ts'
import { platformName } from '../../src/oci/platform.ts'
import { freePort } from './support/free-port.ts'
import { indexType, sha256Of } from './support/registry-client.ts'
import { openWorkspace, type Workspace } from './support/workspace.ts'

let workspace: Workspace
let registry: ChildProcess
let host: string
let base: string
const builder = createBuildahBuilder()

/** A registry with a certificate that only its authority vouches for. */
beforeAll(async () => {
  workspace = await openWorkspace()
  host = `127.0.0.1:${await freePort()}`
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  const [key, certificate] = [workspace.path('private.pem'), workspace.path('tls.crt')]
  const names = ['-subj', '/CN=registry', '-addext', 'subjectAltName=IP:127.0.0.1']
  await execa('openssl', [...request, '-keyout', key, '-out', certificate, ...names])
  await writeFile(
    workspace.path('registry.yml'),
    `version: 0.1
log: { level: error }
storage: { filesystem: { rootdirectory: ${workspace.path('registry')} } }
http: { addr: "${host}", tls: { certificate: ${certificate}, key: ${key} } }
`,
  )
  registry = spawn('docker-registry', ['serve', workspace.path('registry.yml')], { stdio: 'ignore' })
  const shell = await requestOf(workspace.folder, { Dockerfile: 'FROM scratch\nCOPY busybox /bin/sh\n' })
  await builder.build(shell)
  const push = ['copy', '--insecure-policy', `--dest-cert-dir=${workspace.folder}`, `oci:${shell.outputFolder}`]
  for (let attempt = 0; ; attempt++) {
    const pushed = await execa('skopeo', [...push, `docker://${host}/base:1`], { reject: false })
    if (pushed.exitCode === 0) break
    if (attempt > 50) throw new Error(pushed.stderr)
    await wait(200)
  }
  base = `${host}/base:1`
})
afterAll(async () => {
  if (registry.exitCode === null) {
    const ended = once(registry, 'close')
    registry.kill()
    await ended
  }
  await workspace[Symbol.asyncDispose]()
})

const trusted = () => ({ registries: [{ host, caFile: workspace.path('tls.crt') }] })

it.each(['none', 'host'] as const)('a base of another registry, network %s: fetched and named', async (network) => {
  const dockerfile = `ARG of=base\nFROM ${host}/$of:1 AS first\nRUN echo yes > /yes\nFROM ${base}\nCOPY --from=first /yes /yes\n`
  const request = await requestOf(workspace.folder, { Dockerfile: dockerfile }, { network, ...trusted() })
  const { baseImages } = await builder.build(request)
  const { stdout } = await execa('skopeo', ['inspect', `--cert-dir=${workspace.folder}`, `docker://${base}`])
  const { Digest: digest } = JSON.parse(stdout) as { Digest: string }
  expect(baseImages).toEqual([{ name: base, digest }])
})

/** A base for this host and for s390x under one name; the page in it says which. */
async function pushForBoth(): Promise<string> {
  const folder = workspace.path('both')
  const pages = { 'linux/amd64': 'here', 'linux/s390x': 'there' }
  const manifests = []
  for (const [platform, page] of Object.entries(pages)) {
    const files = { Dockerfile: 'FROM scratch\nCOPY page /page\n', page }
    const request = await requestOf(workspace.folder, files, { platform })
    const built = await builder.build(request)
    await cp(request.outputFolder, folder, { recursive: true })
    manifests.push({ ...built.manifest, platform: built.platform })
  }
  const index = JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests })
  const digest = sha256Of(index)
  await writeFile(`${folder}/blobs/${digest.replace(':', '/')}`, index)
  const listed = [{ mediaType: indexType, digest, size: index.length }]
  await writeFile(`${folder}/index.json`, JSON.stringify({ schemaVersion: 2, manifests: listed }))
  const push = ['copy', '--all', '--insecure-policy', `--dest-cert-dir=${workspace.folder}`]
  await execa('skopeo', [...push, `oci:${folder}`, `docker://${host}/both:1`])
  return `${host}/both:1`
}

describe('a base for several platforms', () => {
  let both: string
  beforeAll(async () => {
    both = await pushForBoth()
  })

  it.each(['none', 'host'] as const)('is that of the platform which is built for, network %s', async (network) => {
    const dockerfile = `FROM --platform=$BUILDPLATFORM ${base} AS here\nRUN echo made > /made\nFROM ${both}\nCOPY --from=here /made /made\n`
    for (const platform of ['linux/amd64', 'linux/s390x']) {
      const request = await requestOf(workspace.folder, { Dockerfile: dockerfile }, { network, platform, ...trusted() })
      const built = await builder.build(request)
      expect(platformName(built.platform)).toBe(platform)
      const { stdout } = await execa('skopeo', ['inspect', `oci:${request.outputFolder}`])
      const { Layers: layers } = JSON.parse(stdout) as { Layers: string[] }
      const named = ['inspect', `--cert-dir=${workspace.folder}`, `--override-arch=${built.platform.architecture}`]
      const theirs = await execa('skopeo', [...named, `docker://${both}`])
      expect(layers).toHaveLength(2)
      expect(layers[0]).toBe((JSON.parse(theirs.stdout) as { Layers: string[] }).Layers[0])
    }
  })

  it.each(['none', 'host'] as const)('one that there is for this host only is refused, network %s', async (network) => {
    const files = { Dockerfile: `FROM scratch AS x\nCOPY Dockerfile /\nFROM ${base}\nCOPY --from=x / /\n` }
    const request = await requestOf(workspace.folder, files, { network, platform: 'linux/s390x', ...trusted() })
    await expect(builder.build(request)).rejects.toMatchObject({
      code: 'BUILD_BASE_PLATFORM',
      message: `Dockerfile:3: FROM ${base}: it is for linux/amd64, and not for linux/s390x.`,
    })
  })
})

it('a registry that nobody vouches for is not believed', async () => {
  const cacheFolder = workspace.path('another-cache')
  const request = await requestOf(workspace.folder, { Dockerfile: `FROM ${base}\nRUN echo x\n` }, { cacheFolder })
  await expect(builder.build(request)).rejects.toMatchObject({
    code: 'BUILD_FAILED',
    message: expect.stringMatching(/^Dockerfile:1: FROM .*certificate/) as string,
  })
})

it('one that is not there, in a word that has it tried again', async () => {
  const cacheFolder = workspace.path('another-cache')
  const away = `127.0.0.1:${await freePort()}`
  const files = { Dockerfile: `FROM scratch\nFROM ${away}/base:1\nRUN echo x\n` }
  const error: unknown = await builder
    .build(await requestOf(workspace.folder, files, { cacheFolder, network: 'host' }))
    .catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'BUILD_BASE_UNREACHABLE', context: { line: 2 } })
})

it('an image that it does not have', async () => {
  const request = await requestOf(workspace.folder, { Dockerfile: `FROM ${host}/other:1\nRUN echo x\n` }, trusted())
  await expect(builder.build(request)).rejects.toMatchObject({ code: 'BUILD_FAILED', context: { line: 1 } })
})
