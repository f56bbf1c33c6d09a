import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { execa } from 'execa'
import { expect, it, vi } from 'vitest'
import { startUpstream } from '../fixtures/upstream/index.ts'
import { complaint, createAptClient } from './support/apt-client.ts'
import { startControllerChild } from './support/controller-child.ts'
import { freePort } from './support/free-port.ts'
import { runLarder } from './support/larder-command.ts'
import { createSiteClone } from './support/site-clone.ts'
import { larderYaml, packageList } from './support/site-text.ts'
import { waitFor, waitForSuccess } from './support/wait-for-run.ts'
import { openWorkspace } from './support/workspace.ts'

const example = new URL('../../examples/nginx.conf', import.meta.url)

it('examples/nginx.conf: pushes, clients and commands go through TLS', async () => {
  await using workspace = await openWorkspace()
  const upstream = await startUpstream({ suites: [{ suite: 'stable', packages: [{ name: 'alpha', version: '1.0' }] }] })
  const [tlsPort, port] = [await freePort(), await freePort()]
  const url = `https://localhost:${tlsPort}`
  const [certificate, key] = [workspace.path('certificate.pem'), workspace.path('key.pem')]
  await execa('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', certificate]) // prettier-ignore
  const text = (await readFile(example, 'utf8'))
    .replace('listen 443 ssl;', `listen 127.0.0.1:${tlsPort} ssl;`)
    .replace('listen [::]:443 ssl;', '')
    .replace('server_name larder.example.org;', 'server_name localhost;')
    .replace('/etc/ssl/larder.example.org.pem', certificate)
    .replace('/etc/ssl/private/larder.example.org.key', key)
    .replaceAll('http://127.0.0.1:7420', `http://127.0.0.1:${port}`)
  const whole = `daemon off; pid ${workspace.path('nginx.pid')}; error_log stderr;\nevents {}\nhttp { access_log off;\n${text}\n}\n`
  await writeFile(workspace.path('nginx.conf'), whole)
  const nginx = spawn('nginx', ['-e', 'stderr', '-c', workspace.path('nginx.conf')], { stdio: 'ignore' })
  try {
    await using controller = await startControllerChild({
      dataFolder: workspace.path('data'),
      port,
      args: ['--public-url', url],
    })
    const curl = (path: string, ...args: string[]) =>
      execa('curl', [
        '--silent',
        '--cacert',
        certificate,
        '--output',
        '-',
        '--write-out',
        '\n%{http_code}',
        ...args,
        url + path,
      ])
    await waitFor('nginx', async () =>
      (await curl('/healthz').catch(() => undefined)) === undefined ? undefined : true,
    )

    const site = await createSiteClone(workspace.path('site'))
    // The environment of this machine may name another.
    vi.stubEnv('GIT_SSL_CAINFO', certificate)
    await site.commit({
      'larder.yaml': larderYaml({ test: upstream.url }, { base: {} }),
      'keys/test.asc': upstream.key,
      'packages.json': packageList(['alpha']),
    })
    const pushed = await site.push({ url, token: controller.token })
    expect(pushed.accepted, pushed.output).toBe(true)
    expect(pushed.remote.join('\n')).toContain('alpha')
    await waitForSuccess(controller.client)

    const client = await createAptClient(workspace.path('client'), { 'Acquire::https::CaInfo': certificate })
    const { stdout: source } = await execa('curl', ['--silent', '--cacert', certificate, `${url}/setup/base.sources`])
    expect(source).toContain(`URIs: ${url}/apt/base`)
    await client.setSource(source)
    const update = await client.update()
    expect([update.exitCode, update.output]).toEqual([0, expect.not.stringMatching(complaint)])
    expect((await client.download('alpha')).debs).toEqual(['alpha_1.0_amd64.deb'])

    const env = { ...process.env, LARDER_TOKEN: controller.token, NODE_EXTRA_CA_CERTS: certificate }
    const verified = await runLarder(['--json', '--url', url, 'mirror', 'verify', 'base'], { env })
    expect([verified.stdout, verified.stderr]).toEqual(['[]', ''])
    const authorization = ['--header', `authorization: Bearer ${controller.token}`, '--request', 'POST']
    const folder = ['--header', 'content-type: application/json', '--data', '{"folder":"/nonexistent/x"}']
    expect((await curl('/api/v1/mirrors/base/export', ...authorization, ...folder)).stdout).toMatch(/\n403$/)
    expect((await curl('/api/v1/mirrors')).stdout).toMatch(/\n200$/)
  } finally {
    vi.unstubAllEnvs()
    nginx.kill('SIGTERM')
    if (nginx.exitCode === null) await once(nginx, 'exit')
    await upstream.close()
  }
})
