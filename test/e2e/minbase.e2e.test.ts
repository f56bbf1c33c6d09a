import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, it } from 'vitest'
import { hostArchitecture, hostSuite } from '../../src/apt/index.ts'
import { hasAptSources } from './support/apt-sources.ts'
import { fetchSource } from './support/apt-client.ts'
import { startControllerChild } from './support/controller-child.ts'
import { createSiteClone } from './support/site-clone.ts'
import { packageList } from './support/site-text.ts'
import { waitForSuccess } from './support/wait-for-run.ts'
import { openWorkspace, type Workspace } from './support/workspace.ts'

const programs = [
  ['nmap', ['nmap', '--version'], /Nmap version \d/],
  ['nginx', ['nginx', '-v'], /nginx version: nginx\/\d/],
  ['postgresql', ['psql', '--version'], /psql \(PostgreSQL\) \d/],
] as const

it('real distribution: a minimal system, and nmap, nginx and postgresql in it, from the mirror alone', async (context) => {
  if (!(await hasAptSources())) context.skip('this host has no APT sources to mirror')
  await using workspace = await openWorkspace()
  // Others than root go in and out of it: apt's own user, and postgres.
  await chmod(workspace.folder, 0o755)
  const suite = await hostSuite()
  const architecture = await hostArchitecture()
  await using controller = await startControllerChild({ dataFolder: workspace.path('data') })
  const site = await createSiteClone(workspace.path('site'))
  await site.commit({
    'larder.yaml': `site: real
upstreams:
  debian: { format: apt, from: system }
mirrors:
  base:
    format: apt
    upstreams: [debian]
    suite: ${suite}
    architectures: [${architecture}]
    packages: packages.json
    base: important
`,
    'packages.json': packageList(programs.map(([name]) => name)),
  })
  const push = await site.push(controller)
  expect(push.accepted, push.output).toBe(true)
  await waitForSuccess(controller.client, 300_000)
  expect(await controller.client.verify('base')).toEqual([])

  const url = `${controller.url}/apt/base`
  const indexPath = workspace.path('Packages')
  await writeFile(indexPath, await (await fetch(`${url}/dists/${suite}/main/binary-${architecture}/Packages`)).bytes())
  const judged = await run('dose-debcheck', ['--failures', '--explain', `--deb-native-arch=${architecture}`, indexPath])
  expect(judged, judged.output).toMatchObject({ exitCode: 0 })

  const keyring = workspace.path('base.asc')
  await writeFile(keyring, await (await fetch(`${controller.url}/keys/base.asc`)).text())
  const source = await fetchSource(controller.url, 'base')
  await bootstrap(workspace, { suite, url, keyring })
  await installAndRun(workspace, { suite, source })
})

/** Both tools that make a Debian system accept the mirror. */
async function bootstrap(
  workspace: Workspace,
  { suite, url, keyring }: { suite: string; url: string; keyring: string },
): Promise<void> {
  const line = `deb [signed-by=${keyring}] ${url} ${suite} main`
  const minimal = await run('mmdebstrap', [
    '--variant=minbase',
    '--mode=root',
    '--aptopt=Acquire::http::Proxy "DIRECT"',
    suite,
    workspace.path('root'),
    line,
  ])
  expect(minimal, minimal.output).toMatchObject({ exitCode: 0 })
  const dearmored = workspace.path('base.gpg')
  const armored = await run('gpg', [
    '--homedir',
    workspace.folder,
    '--batch',
    '--output',
    dearmored,
    '--dearmor',
    keyring,
  ])
  expect(armored, armored.output).toMatchObject({ exitCode: 0 })
  const target = workspace.path('foreign')
  const first = await run('debootstrap', [
    '--foreign',
    '--variant=minbase',
    `--keyring=${dearmored}`,
    suite,
    target,
    url,
  ])
  expect(first, first.output).toMatchObject({ exitCode: 0 })
  expect(existsSync(join(target, 'debootstrap'))).toBe(true)
}

/** In a chroot whose only source is the mirror, in namespaces of its own: nothing of this host is touched. */
async function installAndRun(
  workspace: Workspace,
  { suite, source }: { suite: string; source: string },
): Promise<void> {
  const root = workspace.path('root')
  const lists = join(root, 'etc/apt/sources.list.d')
  await mkdir(lists, { recursive: true })
  await writeFile(join(root, 'etc/apt/sources.list'), '')
  await writeFile(join(lists, 'larder.sources'), source)
  expect(await readdir(lists), suite).toEqual(['larder.sources'])
  await writeFile(join(root, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n')
  await chmod(join(root, 'usr/sbin/policy-rc.d'), 0o755)
  const apt = [
    'apt-get',
    '-o',
    'Acquire::http::Proxy=DIRECT',
    '-o',
    'APT::Update::Error-Mode=any',
    '-o',
    'APT::Sandbox::User=root',
  ]
  const update = await inChroot(root, [...apt, 'update'])
  expect(update, update.output).toMatchObject({ exitCode: 0 })
  expect(update.output).not.toMatch(/^(?:W|E):/m)
  const names = programs.map(([name]) => name)
  const installed = await inChroot(root, [...apt, 'install', '--yes', '--no-install-recommends', '--', ...names])
  expect(installed, installed.output.slice(-3000)).toMatchObject({ exitCode: 0 })
  for (const [, words, proof] of programs) {
    const said = await inChroot(root, [...words])
    expect(said, said.output).toMatchObject({ exitCode: 0 })
    expect(said.output).toMatch(proof)
  }
}

/** Mounts live in a namespace of their own, and are gone with it. */
const chrootScript =
  'set -e; mount -t proc proc "$1/proc"; mount --rbind /dev "$1/dev"; root=$1; shift; exec chroot "$root" "$@"'

async function inChroot(root: string, words: readonly string[]) {
  return run('unshare', ['--mount', '--', 'sh', '-c', chrootScript, 'sh', root, ...words])
}

async function run(program: string, args: readonly string[]): Promise<{ exitCode: number; output: string }> {
  const env = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C',
    DEBIAN_FRONTEND: 'noninteractive',
    HOME: '/root',
    no_proxy: '127.0.0.1',
  }
  const settings = { env, extendEnv: false, reject: false, all: true, stdin: 'ignore', timeout: 240_000 } as const
  const result = await execa(program, args, settings)
  return { exitCode: result.exitCode ?? 255, output: result.all }
}
