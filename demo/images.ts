// npm run demo:images: the artifact factory. A merge to develop is built, pushed over TLS, pulled by skopeo and run by
// Docker; a merge that fails turns the badge and leaves the last good image; a disk image boots. Needs root on Debian.
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { hostSuite } from '../src/apt/index.ts'
import type { RunningController } from '../src/app/controller-process.ts'
import { createStopwatch } from '../src/app/quickstart/stopwatch.ts'
import { systemClock } from '../src/core/index.ts'
import { writeLayout } from '../src/oci/testing/write-layout.ts'
import { hasAptSources } from '../test/e2e/support/apt-sources.ts'
import { startDockerEngine } from '../test/e2e/support/docker-engine.ts'
import { bootMachine } from '../test/e2e/support/virtual-machine.ts'
import { startDemoController } from './demo-controller.ts'
import { openDemo } from './demo.ts'
import { expectEqual, say } from './pushed-site.ts'

const watch = createStopwatch(systemClock, say)
await using demo = await openDemo()
const { folder } = demo
const site = join(folder, 'site')
const clientFolder = join(folder, 'client')
const readyLine = 'Larder: this machine is ready'

await demonstrate(await startDemoController(demo, { tls: { host: '127.0.0.1', port: 0 } }))

async function demonstrate(controller: RunningController): Promise<void> {
  const registry = new URL(controller.tlsUrl ?? '').host.replace('127.0.0.1', 'localhost')
  await beginSite(controller)
  say('\n── a merge to develop ──')
  await watch.time('merged to develop: built, signed, in the registry', () =>
    merge(controller, '1.0.0', 'echo counting from 1'),
  )
  await trust(controller)
  await watch.time('pulled over TLS by skopeo', () => pull(registry, '1.0.0'))
  await watch.time('run by a Docker engine', () => run(registry, '1.0.0', 'counting from 1'))
  await badge(controller, '1.0.0')

  say('\n── a merge that fails ──')
  await watch.time('merged to develop: refused by its Dockerfile', () =>
    merge(controller, '1.1.0', 'echo never', 'RUN exit 9'),
  )
  const image = await controller.larder.controller.image('counter')
  expectEqual('the error names the line', image.error?.message.startsWith('counter/Dockerfile:4: RUN exit 9'), true)
  say(`          ${image.error?.message ?? ''}`)
  await badge(controller, 'failing')
  await watch.time('the last good image is still there', () => pull(registry, '1.0.0'))

  say('\n── a disk that a machine starts from ──')
  if (!(await hasAptSources())) {
    say('Left out: this host has no APT sources to make a system from.')
    return
  }
  await watch.time('a system in our registry, from the host’s own APT sources', () => pushSystem(controller, registry))
  await watch.time('merged to develop: built, and made a disk', () => mergeDisk(controller, registry))
  await watch.time('booted by qemu, without hardware support, to its readiness line', () => boot(registry))
  say('\nDone: what was merged is in the registry, proved, and runs.')
}

/** main says what is built of develop; develop is where people merge. */
async function beginSite({ url, token }: RunningController): Promise<void> {
  await mkdir(join(site, 'counter'), { recursive: true })
  await git('init', '--quiet', '--initial-branch=main')
  await git('remote', 'add', 'larder', `${url.replace('//', `//admin:${token}@`)}/git/site.git`)
  await writeFile(join(site, 'larder.yaml'), 'site: factory\nimages: { list: images.json, on: { branch: develop } }\n')
  await copyFile('/bin/busybox', join(site, 'counter', 'busybox'))
  await writeCounter('0.9.0', 'echo first')
  await commit('A counter')
  await git('push', '--quiet', 'larder', 'main')
  await git('switch', '--quiet', '--create', 'develop')
}

async function writeCounter(
  version: string,
  script: string,
  instruction = 'RUN /bin/busybox --install -s /bin',
): Promise<void> {
  const entry = { service_name: 'counter', type: 'Docker', version }
  await writeFile(join(site, 'images.json'), JSON.stringify([entry]))
  await writeFile(join(site, 'counter', 'run'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  const lines = [
    'FROM scratch',
    'COPY busybox /bin/busybox',
    'COPY busybox /bin/sh',
    instruction,
    'COPY run /count',
    'CMD ["/count"]',
  ]
  await writeFile(join(site, 'counter', 'Dockerfile'), `${lines.join('\n')}\n`)
}

/** On a branch of its own, merged as people do. Answers when the run of develop has ended. */
async function merge(
  controller: RunningController,
  version: string,
  script: string,
  instruction?: string,
): Promise<void> {
  await git('switch', '--quiet', '--create', `version-${version}`)
  await writeCounter(version, script, instruction)
  await commit(`Version ${version}`)
  await mergeBranch(controller, `version-${version}`)
}

async function mergeBranch({ larder }: RunningController, branch: string): Promise<void> {
  await git('switch', '--quiet', 'develop')
  await git('merge', '--quiet', '--no-ff', '--no-edit', branch)
  await git('push', '--quiet', 'larder', 'develop')
  await larder.context.runner.idle()
}

async function trust({ url }: RunningController): Promise<void> {
  await mkdir(join(clientFolder, 'certificates'), { recursive: true })
  const certificate = await (await fetch(`${url}/keys/ca.crt`)).text()
  await writeFile(join(clientFolder, 'certificates', 'ca.crt'), certificate)
}

function trusted(): string {
  return `--cert-dir=${join(clientFolder, 'certificates')}`
}

async function pull(registry: string, version: string): Promise<void> {
  const to = join(clientFolder, `counter-${version}`)
  await execa('skopeo', [
    'copy',
    '--quiet',
    `--src-${trusted().slice(2)}`,
    `docker://${registry}/counter:${version}`,
    `dir:${to}`,
  ])
}

/** What skopeo pulled, in an engine of the demo's own. */
async function run(registry: string, version: string, expected: string): Promise<void> {
  const name = `${registry}/counter:${version}`
  const archive = join(clientFolder, 'counter.tar')
  await execa('skopeo', [
    'copy',
    '--quiet',
    `--src-${trusted().slice(2)}`,
    `docker://${name}`,
    `docker-archive:${archive}:${name}`,
  ])
  const engine = await demo.use(
    () => startDockerEngine(join(folder, 'docker'), { isDetached: true }),
    (begun) => begun[Symbol.asyncDispose](),
  )
  const docker = (...args: string[]) => execa('docker', ['--host', engine.host, ...args])
  await docker('load', '--quiet', '--input', archive)
  const { stdout } = await docker('run', '--rm', '--network=none', name)
  expectEqual('the container says', stdout.trim(), expected)
}

async function badge({ url }: RunningController, message: string): Promise<void> {
  const shown = (await (await fetch(`${url}/badge/counter.json`)).json()) as { label: string; message: string }
  expectEqual('the badge says', shown.message, message)
  say(`          ${url}/badge/counter.svg: ${shown.label} | ${shown.message}`)
}

async function pushSystem({ token }: RunningController, registry: string): Promise<void> {
  const archive = join(clientFolder, 'system.tar')
  const include = '--include=linux-image-cloud-amd64,systemd-sysv,udev'
  await execa(
    'mmdebstrap',
    ['--variant=minbase', include, '--dpkgopt=path-exclude=/usr/share/doc/*', await hostSuite(), archive],
    {
      stdin: 'ignore',
    },
  )
  const layout = join(clientFolder, 'system')
  await writeLayout(layout, { layers: [{ bytes: await readFile(archive) }], isBase: true })
  await rm(archive)
  const login = [`--dest-${trusted().slice(2)}`, `--dest-creds=admin:${token}`]
  await execa('skopeo', ['copy', '--quiet', ...login, `oci:${layout}`, `docker://${registry}/base/system:1`])
}

async function mergeDisk(controller: RunningController, registry: string): Promise<void> {
  await git('switch', '--quiet', '--create', 'appliance')
  await mkdir(join(site, 'appliance'))
  const unit = `[Unit]\nAfter=multi-user.target\n[Service]\nType=oneshot\nExecStart=/bin/echo ${readyLine}\nStandardOutput=tty\nTTYPath=/dev/console\n[Install]\nWantedBy=multi-user.target\n`
  await writeFile(join(site, 'appliance', 'ready.service'), unit)
  const wants = '/etc/systemd/system/multi-user.target.wants'
  const lines = [
    `FROM ${registry}/base/system:1`,
    'COPY ready.service /etc/systemd/system/ready.service',
    `RUN mkdir -p ${wants} && ln -s ../ready.service ${wants}/ready.service`,
  ]
  await writeFile(join(site, 'appliance', 'Dockerfile'), `${lines.join('\n')}\n`)
  const counter = { service_name: 'counter', type: 'Docker', version: '1.2.0' }
  await writeCounter('1.2.0', 'echo counting on')
  const appliance = { service_name: 'appliance', type: 'AMI', version: '1.0.0' }
  await writeFile(join(site, 'images.json'), JSON.stringify([counter, appliance]))
  await commit('An appliance')
  await mergeBranch(controller, 'appliance')
  const { state, error } = await controller.larder.controller.image('appliance')
  expectEqual(`the appliance (${error?.message ?? ''}) is`, state, 'published')
}

async function boot(registry: string): Promise<void> {
  const to = join(clientFolder, 'disk')
  await execa('skopeo', [
    'copy',
    '--quiet',
    `--src-${trusted().slice(2)}`,
    `docker://${registry}/appliance:1.0.0`,
    `dir:${to}`,
  ])
  const manifest = JSON.parse(await readFile(join(to, 'manifest.json'), 'utf8')) as { layers: { digest: string }[] }
  const file = (manifest.layers[0]?.digest ?? '').replace('sha256:', '')
  await bootMachine({ diskPath: join(to, file), format: 'qcow2', ready: new RegExp(readyLine) })
}

async function git(...args: string[]): Promise<void> {
  const env = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_TERMINAL_PROMPT: '0' }
  await execa('git', ['-c', 'user.name=Demo', '-c', 'user.email=demo@example.org', ...args], { cwd: site, env })
}

async function commit(message: string): Promise<void> {
  await git('add', '--all')
  await git('commit', '--quiet', `--message=${message}`)
}
