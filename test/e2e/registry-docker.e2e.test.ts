import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDockerBuilder } from '../../src/oci/build/docker.ts'
import { requestOf } from '../../src/oci/build/image-builder.contract.ts'
import { type DockerEngine, startDockerEngine } from './support/docker-engine.ts'
import { startOpenRegistry, type OpenRegistry } from './support/open-registry.ts'
import { openWorkspace, type Workspace } from './support/workspace.ts'

let workspace: Workspace
let registry: OpenRegistry
let engine: DockerEngine
let host: string
let password: string

/** Nobody may do anything without a login; ci may push one image. An engine believes any certificate of the loopback. */
beforeAll(async () => {
  workspace = await openWorkspace()
  const configFile = workspace.path('controller.yaml')
  await writeFile(configFile, 'registry: { anonymousPull: false, users: [{ name: ci, pull: [], push: [counter] }] }\n')
  registry = await startOpenRegistry({ openRegistry: false, configFile, tls: { host: '127.0.0.1', port: 0 } })
  host = new URL(registry.tlsUrl!).host
  password = (await readFile(join(registry.folder, 'registry-ci'), 'utf8')).trim()
  engine = await startDockerEngine(workspace.path('engine'))
  const context = workspace.path('context')
  await mkdir(context)
  await copyFile('/bin/busybox', join(context, 'busybox'))
  const dockerfile =
    'FROM scratch\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\nCMD ["/bin/busybox", "echo", "counting"]\n'
  await writeFile(join(context, 'Dockerfile'), dockerfile)
  for (const name of ['counter', 'other']) expect(await docker('build', '--tag', `${host}/${name}:1`, context)).toContain('Successfully') // prettier-ignore
})
afterAll(async () => {
  await engine[Symbol.asyncDispose]()
  await registry[Symbol.asyncDispose]()
  await workspace[Symbol.asyncDispose]()
})

/** What it says, however it ends. */
async function docker(...args: string[]): Promise<string> {
  const env = { PATH: process.env['PATH'], HOME: workspace.folder, DOCKER_BUILDKIT: '0' }
  const all = ['--host', engine.host, '--config', workspace.path('client'), ...args]
  return (await execa('docker', all, { env, extendEnv: false, stdin: 'ignore', reject: false, all: true })).all
}

it('Docker logs in, and pushes, pulls and runs what its user may', async () => {
  const refused = /unauthorized|denied|no basic auth/i
  const push = (name: string) => docker('push', `${host}/${name}:1`)
  const login = (secret: string) => docker('login', '--username', 'ci', '--password', secret, host)
  expect(await push('counter')).toMatch(refused)
  expect(await login('wrong')).toMatch(refused)
  expect(await login(password)).toContain('Login Succeeded')
  expect(await push('other')).toMatch(refused)
  expect(await push('counter')).toMatch(/1: digest: sha256:[0-9a-f]{64}/)
  await engine.forget()
  expect(await docker('run', '--rm', '--network=none', `${host}/counter:1`)).toMatch(
    /Downloaded newer image[^]*counting$/,
  )
  await docker('logout', host)
  await engine.forget()
  expect(await docker('pull', `${host}/counter:1`)).toMatch(refused)
})

it('a build by a Docker engine stands on an image of this registry, by the login that it is given', async () => {
  const builder = createDockerBuilder({ host: engine.host })
  const files = { Dockerfile: `FROM ${host}/counter:1\nRUN echo made > /made\n` }
  await expect(builder.build(await requestOf(workspace.folder, files))).rejects.toMatchObject({
    code: 'BUILD_FAILED',
    context: { line: 1 },
  })
  const registries = [{ host, username: 'ci', password }]
  const { baseImages } = await builder.build(await requestOf(workspace.folder, files, { registries }))
  const { headers } = await registry.client.ask('HEAD', '/v2/counter/manifests/1', {
    headers: { authorization: `Bearer ${registry.token}` },
  })
  expect(baseImages).toEqual([{ name: `${host}/counter:1`, digest: headers['docker-content-digest'] }])
})
