import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freePort } from './support/free-port.ts'
import { startOpenRegistry, type OpenRegistry } from './support/open-registry.ts'
import { createRegistryClient, imageType, sha256Of } from './support/registry-client.ts'
import { waitFor } from './support/wait-for-run.ts'
import { openWorkspace, type Workspace } from './support/workspace.ts'

const example = new URL('../../docs/images.md', import.meta.url)

let workspace: Workspace
let registry: OpenRegistry
let nginx: ChildProcess
let host: string
let certificates: string

/** nginx with TLS, as docs/images.md writes it for a path; Larder behind it knows its public address only. */
beforeAll(async () => {
  workspace = await openWorkspace()
  const port = await freePort()
  host = `localhost:${port}`
  certificates = workspace.path('certificates')
  await mkdir(certificates)
  const [certificate, key] = [join(certificates, 'ca.crt'), workspace.path('key.pem')]
  await execa('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', certificate]) // prettier-ignore
  const configFile = workspace.path('controller.yaml')
  await writeFile(configFile, 'trustedProxies: [127.0.0.1]\nregistry: { anonymousPull: false }\n')
  registry = await startOpenRegistry({ publicUrl: `https://${host}/larder`, openRegistry: false, configFile })
  const server = /```nginx\n([^`]+)```/.exec(await readFile(example, 'utf8'))?.[1]?.replaceAll('http://127.0.0.1:7420', registry.url) // prettier-ignore
  if (server === undefined) throw new Error('docs/images.md has no block of nginx')
  await writeFile(
    workspace.path('nginx.conf'),
    `daemon off; pid ${workspace.path('nginx.pid')}; error_log stderr;
events {}
http {
  access_log off; client_body_temp_path ${workspace.path('body')}; proxy_temp_path ${workspace.path('proxy')};
  server {
    listen 127.0.0.1:${port} ssl; server_name localhost;
    ssl_certificate ${certificate}; ssl_certificate_key ${key};
    ${server}
  }
}
`,
  )
  nginx = spawn('nginx', ['-e', 'stderr', '-c', workspace.path('nginx.conf')], { stdio: 'ignore' })
  await writeFile(workspace.path('policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}')
  await waitFor('nginx', async () => {
    const asked = await curl('/larder/healthz').catch(() => undefined)
    return asked?.includes('200') === true ? true : undefined
  })
})
afterAll(async () => {
  nginx.kill('SIGTERM')
  if (nginx.exitCode === null && nginx.signalCode === null) await once(nginx, 'exit')
  await registry[Symbol.asyncDispose]()
  await workspace[Symbol.asyncDispose]()
})

/** The head of an answer. */
async function curl(path: string, ...args: string[]): Promise<string> {
  const all = ['--silent', '--max-time', '20', '--cacert', join(certificates, 'ca.crt'), '--output', '/dev/null']
  return (await execa('curl', [...all, '--dump-header', '-', ...args, `https://${host}${path}`])).stdout
}

function skopeo(...args: string[]): Promise<unknown> {
  const env = {
    PATH: process.env['PATH'],
    HOME: workspace.folder,
    XDG_RUNTIME_DIR: workspace.folder,
    REGISTRY_AUTH_FILE: workspace.path('auth.json'),
  }
  const all = ['--policy', workspace.path('policy.json'), ...args]
  return execa('skopeo', all, { env, extendEnv: false, stdin: 'ignore', timeout: 60_000 })
}

it('skopeo logs in, pushes and pulls through nginx, which serves Larder under a path', async () => {
  const plain = createRegistryClient(registry.url, { authorization: `Bearer ${registry.token}` })
  const { digest } = await plain.pushImage('team/app', '1', 'x'.repeat(2_000_000))
  plain.close()
  const tls = ['--src-cert-dir', certificates, '--dest-cert-dir', certificates]
  const copy = () =>
    skopeo('copy', '--preserve-digests', ...tls, `docker://${host}/team/app:1`, `docker://${host}/team/copy:1`)
  await expect(copy()).rejects.toThrow(/unauthorized|authentication required/i)
  await skopeo('login', '--cert-dir', certificates, '--username', 'admin', '--password', registry.token, host)
  await copy()
  await skopeo('copy', '--src-cert-dir', certificates, `docker://${host}/team/copy:1`, `dir:${workspace.path('copy')}`)
  expect(sha256Of(await readFile(workspace.path('copy/manifest.json')))).toBe(digest)
})

it('addresses that it answers with are below the path, without a host; the token is at the public address', async () => {
  const asked = await curl('/larder/v2/')
  expect(asked).toMatch(/^HTTP\/1.1 401/)
  expect(asked).toContain(`Bearer realm="https://${host}/larder/v2/token",service="larder"`)
  const login = ['--header', `authorization: Bearer ${registry.token}`]
  const begun = await curl('/larder/v2/team/app/blobs/uploads/', '--request', 'POST', ...login)
  const location = /^location: (\S+)/im.exec(begun)?.[1] ?? ''
  expect(location).toMatch(/^\/larder\/v2\/team\/app\/blobs\/uploads\/[0-9a-f-]+$/)
  const put = ['--request', 'PUT', '--data-binary', 'bytes', ...login]
  const digest = sha256Of('bytes')
  const ended = await curl(`${location}?digest=${digest}`, ...put)
  expect(ended).toMatch(/^HTTP\/1.1 201/)
  expect(ended).toContain(`ocation: /larder/v2/team/app/blobs/${digest}`)
  const part = await curl(`/larder/v2/team/app/blobs/${digest}`, '--range', '1-2', ...login)
  expect(part).toMatch(/^HTTP\/1.1 206[^]*content-range: bytes 1-2\/5/i)
})

it('lists go on below the path, page by page: tags, repositories, referrers', async () => {
  const plain = createRegistryClient(registry.url, { authorization: `Bearer ${registry.token}` })
  const subject = await plain.pushImage('team/pages', '1', 'a page')
  await plain.pushManifest('team/pages', '2', subject.manifest)
  const target = { mediaType: imageType, digest: subject.digest, size: subject.sizeBytes }
  for (let number = 0; number <= 1000; number++) {
    const about = { ...subject.manifest, subject: target, annotations: { number: String(number) } }
    await plain.pushManifest('team/pages', sha256Of(JSON.stringify(about)), about)
  }
  plain.close()
  const login = ['--header', `authorization: Bearer ${registry.token}`]
  const lists = ['_catalog?n=1', 'team/pages/tags/list?n=1', `team/pages/referrers/${subject.digest}`]
  for (const list of lists) {
    const first = await curl(`/larder/v2/${list}`, ...login)
    const next = /^link: <([^>]+)>; rel="next"/im.exec(first)?.[1] ?? ''
    expect(next).toMatch(new RegExp(`^/larder/v2/${list.split('?')[0]}\\?`))
    expect(await curl(next, ...login)).toMatch(/^HTTP\/1.1 200/)
  }
})

it('who guesses passwords is held up by the address that the proxy tells, and nobody else is', async () => {
  const guess = ['--header', 'authorization: Basic YWRtaW46d3Jvbmc=', '--header', 'x-forwarded-for: 192.0.2.7']
  const through = createRegistryClient(registry.url)
  try {
    const statuses: number[] = []
    for (let time = 0; time < 62; time++) {
      const headers = { authorization: 'Basic YWRtaW46d3Jvbmc=', 'x-forwarded-for': '192.0.2.7' }
      statuses.push((await through.ask('GET', '/v2/', { headers })).status)
    }
    expect([statuses[0], statuses.at(-1)]).toEqual([401, 429])
    const other = { authorization: `Bearer ${registry.token}`, 'x-forwarded-for': '192.0.2.8' }
    expect((await through.ask('GET', '/v2/', { headers: other })).status).toBe(200)
  } finally {
    through.close()
  }
  // What a client says itself is behind what nginx says of it: nobody passes for somebody else.
  expect(await curl('/larder/v2/', ...guess)).toMatch(/^HTTP\/1.1 401/)
})
