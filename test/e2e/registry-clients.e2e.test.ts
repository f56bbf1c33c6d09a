import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, request, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startOpenRegistry, type OpenRegistry } from './support/open-registry.ts'
import { openWorkspace, type Workspace } from './support/workspace.ts'

let workspace: Workspace
let registry: OpenRegistry
let host: string
let certificates: string
beforeAll(async () => {
  workspace = await openWorkspace()
  registry = await startOpenRegistry({ tls: { host: '127.0.0.1', port: 0 } })
  host = new URL(registry.tlsUrl!).host
  certificates = workspace.path('certificates')
  await mkdir(certificates)
  const authority = await fetch(`${registry.url}/keys/ca.crt`)
  await writeFile(join(certificates, 'ca.crt'), await authority.text())
  await writeFile(workspace.path('policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}')
  await writeFile(workspace.path('auth.json'), '{}')
  const [graph, running] = [workspace.path('storage'), workspace.path('run')]
  await writeFile(
    workspace.path('storage.conf'),
    `[storage]\ndriver = "vfs"\ngraphroot = "${graph}"\nrunroot = "${running}"\n`,
  )
  await makeLayout()
})
afterAll(async () => {
  await registry[Symbol.asyncDispose]()
  await workspace[Symbol.asyncDispose]()
})

/** Of containers and images, nothing of this host: storage, settings and logins are in the workspace. */
async function run(program: string, ...args: string[]): Promise<string> {
  const result = await execa(program, args, {
    env: {
      PATH: process.env['PATH'],
      HOME: workspace.folder,
      XDG_RUNTIME_DIR: workspace.folder,
      REGISTRY_AUTH_FILE: workspace.path('auth.json'),
      CONTAINERS_STORAGE_CONF: workspace.path('storage.conf'),
      BUILDAH_ISOLATION: 'chroot',
    },
    extendEnv: false,
    stdin: 'ignore',
    timeout: 120_000,
    reject: false,
    all: true,
  })
  if (result.exitCode !== 0) throw new Error(`${program} ${args.join(' ')}: ${result.all}`)
  return result.stdout
}

const skopeo = (...args: string[]) => run('skopeo', '--policy', workspace.path('policy.json'), ...args)
const podman = (...args: string[]) => run('podman', ...args)
const buildah = (...args: string[]) => run('buildah', ...args)

/** An image with one program, made by buildah from nothing, as a layout. */
async function makeLayout(): Promise<void> {
  const context = workspace.path('context')
  await mkdir(context)
  await writeFile(join(context, 'hello'), 'hello\n')
  await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY hello /hello\nCMD ["/hello"]\n')
  await buildah(
    'bud',
    '--quiet',
    '--tag',
    'localhost/hello:1',
    '--signature-policy',
    workspace.path('policy.json'),
    context,
  )
  const target = `oci:${workspace.path('layout')}:1`
  await buildah('push', '--signature-policy', workspace.path('policy.json'), 'localhost/hello:1', target)
}

interface Inspected {
  Digest: string
  Layers: string[]
}

const certified = (direction: 'src' | 'dest') => [`--${direction}-cert-dir`, certificates]
const inspect = async (reference: string): Promise<Inspected> =>
  JSON.parse(await skopeo('inspect', '--cert-dir', certificates, `docker://${host}/${reference}`)) as Inspected

describe('over TLS by its own authority', () => {
  it('skopeo copies there, back and between repositories', async () => {
    const layout = `oci:${workspace.path('layout')}:1`
    await skopeo('copy', ...certified('dest'), layout, `docker://${host}/team/hello:1`)
    const pushed = await inspect('team/hello:1')
    expect(pushed.Layers).toHaveLength(1)
    await skopeo(
      'copy',
      ...certified('src'),
      ...certified('dest'),
      `docker://${host}/team/hello:1`,
      `docker://${host}/other/hello:2`,
    )
    expect((await inspect('other/hello:2')).Digest).toBe(pushed.Digest)
    await skopeo('copy', ...certified('src'), `docker://${host}/other/hello:2`, `oci:${workspace.path('back')}:2`)
    const index = JSON.parse(await readFile(workspace.path('back/index.json'), 'utf8')) as {
      manifests: { digest: string }[]
    }
    expect(index.manifests[0]!.digest).toBe(pushed.Digest)
    const tags = await skopeo('list-tags', '--cert-dir', certificates, `docker://${host}/team/hello`)
    expect(JSON.parse(tags)).toMatchObject({ Tags: ['1'] })
    await skopeo('delete', '--cert-dir', certificates, `docker://${host}/other/hello:2`)
    await expect(inspect('other/hello:2')).rejects.toThrow(/manifest unknown/i)
  })

  it('skopeo in the format of Docker', async () => {
    const target = `docker://${host}/team/docker:1`
    await skopeo('copy', '--format', 'v2s2', ...certified('dest'), `oci:${workspace.path('layout')}:1`, target)
    const raw = await skopeo('inspect', '--raw', '--cert-dir', certificates, target)
    expect(JSON.parse(raw)).toMatchObject({ mediaType: 'application/vnd.docker.distribution.manifest.v2+json' })
  })

  it('nobody who does not know the authority is talked into it', async () => {
    await expect(skopeo('inspect', `docker://${host}/team/hello:1`)).rejects.toThrow(/x509|certificate/)
  })

  it('buildah pushes an index of several platforms, podman pulls what is its own', async () => {
    const policy = ['--signature-policy', workspace.path('policy.json')]
    for (const architecture of ['amd64', 'arm64']) {
      const args = ['bud', '--quiet', '--arch', architecture, '--manifest', 'localhost/multi', ...policy]
      await buildah(...args, workspace.path('context'))
    }
    const target = `docker://${host}/team/multi:1`
    await buildah('manifest', 'push', '--all', '--cert-dir', certificates, ...policy, 'localhost/multi', target)
    const raw = JSON.parse(await skopeo('inspect', '--raw', '--cert-dir', certificates, target)) as {
      manifests: { platform: { architecture: string } }[]
    }
    expect(raw.manifests.map(({ platform }) => platform.architecture).sort()).toEqual(['amd64', 'arm64'])
    const id = await podman('pull', '--quiet', '--cert-dir', certificates, ...policy, `${host}/team/multi:1`)
    const [pulled] = JSON.parse(await podman('inspect', id.trim())) as { Architecture: string }[]
    expect(pulled!.Architecture).toBe(process.arch === 'x64' ? 'amd64' : process.arch)
    await podman('tag', id.trim(), `${host}/team/again:1`)
    await podman('push', '--quiet', '--cert-dir', certificates, ...policy, `${host}/team/again:1`)
    expect((await inspect('team/again:1')).Layers).toHaveLength(1)
  })
})

describe('with logins', () => {
  it('skopeo and podman push only as somebody, and nobody is somebody with a wrong password', async () => {
    await using closed = await startOpenRegistry({ tls: { host: '127.0.0.1', port: 0 }, openRegistry: false })
    const { host: closedHost } = new URL(closed.tlsUrl!)
    const itsCertificates = workspace.path('certificates-closed')
    await mkdir(itsCertificates)
    await writeFile(join(itsCertificates, 'ca.crt'), await (await fetch(`${closed.url}/keys/ca.crt`)).text())
    const layout = `oci:${workspace.path('layout')}:1`
    const target = `docker://${closedHost}/team/hello:1`
    const push = () => skopeo('copy', '--dest-cert-dir', itsCertificates, layout, target)
    const login = (password: string) => {
      const credentials = ['--username', 'admin', '--password', password]
      return skopeo('login', '--cert-dir', itsCertificates, ...credentials, closedHost)
    }
    await expect(push()).rejects.toThrow(/unauthorized|authentication required/i)
    await expect(login('wrong')).rejects.toThrow(/unauthorized|invalid username/i)
    await login(closed.token)
    await push()
    const policy = ['--signature-policy', workspace.path('policy.json')]
    await podman('pull', '--quiet', '--cert-dir', itsCertificates, ...policy, `${closedHost}/team/hello:1`)
    await skopeo('logout', closedHost)
    await expect(push()).rejects.toThrow(/unauthorized|authentication required/i)
  })
})

describe('behind a proxy, under a path', () => {
  it('every address that it answers with leads through the proxy', async () => {
    await using behind = await startOpenRegistry({ publicUrl: 'https://larder.example.org/images' })
    const proxy = await startProxy(behind.url, '/images')
    const { port } = proxy.address() as AddressInfo
    const url = `http://127.0.0.1:${port}/images`
    try {
      const begun = await fetch(`${url}/v2/app/blobs/uploads/`, { method: 'POST' })
      expect(begun.headers.get('location')).toMatch(/^\/images\/v2\/app\/blobs\/uploads\//)
      const bytes = Buffer.from('{}')
      const digest = 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'
      const closing = new URL(begun.headers.get('location')!, url)
      const put = await fetch(`${closing.href}?digest=${digest}`, { method: 'PUT', body: bytes })
      expect([put.status, put.headers.get('location')]).toEqual([201, `/images/v2/app/blobs/${digest}`])
      const blob = await fetch(new URL(put.headers.get('location')!, url))
      expect(await blob.text()).toBe('{}')
    } finally {
      proxy.closeAllConnections()
      proxy.close()
    }
  })
})

/** Takes the path away, as `proxy_pass http://…/` does. */
async function startProxy(target: string, path: string): Promise<Server> {
  const { hostname, port } = new URL(target)
  const server = createServer((incoming, outgoing) => {
    const onward = { hostname, port, method: incoming.method, headers: incoming.headers }
    const asked = request({ ...onward, path: (incoming.url ?? '').slice(path.length) }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    incoming.pipe(asked)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}
