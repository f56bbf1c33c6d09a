// npm run demo:machines: a mirror of this host's own APT sources, and machines that are made from it: brought up in order,
// left alone when nothing is to change, put back when something drifts, given a package by a merge, made again when one is
// gone. Needs root on Debian; the Docker engine that it runs machines in is its own.
import { join } from 'node:path'
import { execa } from 'execa'
import { hostSuite } from '../src/apt/index.ts'
import type { RunningController } from '../src/app/controller-process.ts'
import { createStopwatch } from '../src/app/quickstart/stopwatch.ts'
import { systemClock } from '../src/core/index.ts'
import { hasAptSources } from '../test/e2e/support/apt-sources.ts'
import { startDemoController, startMachineEngine } from './demo-controller.ts'
import { openDemo } from './demo.ts'
import { expectEqual, openPushedSite, say, type PushedSite } from './pushed-site.ts'

const watch = createStopwatch(systemClock, say)
if (await hasAptSources()) {
  await using demo = await openDemo()
  const engine = await startMachineEngine(demo)
  process.env['DOCKER_HOST'] = engine.host
  const controller = await startDemoController(demo, { host: '0.0.0.0' })
  await demonstrate(await openPushedSite(join(demo.folder, 'site'), controller), controller, engine.host)
} else {
  say('Left out: this host has no APT sources to make machines from.')
}

async function demonstrate(site: PushedSite, controller: RunningController, engine: string): Promise<void> {
  const { controller: larder } = controller.larder
  say('\n── a mirror, and two machines that are made from it ──')
  await writeSite(site, { packages: [], client: ['curl'] })
  await watch.time('pushed: mirrored, made, brought up in order, as declared', () => merge(site, 'Two machines'))
  for (const { name, state, address, os } of await larder.machines())
    say(`          ${name}: ${state}, ${address}, ${os}`)
  await expectPage(engine, 'Hello from web-1')

  say('\n── nothing to change ──')
  const plans = await watch.time('looked at both', () => larder.planMachines())
  for (const { name, ok, resources } of plans)
    say(`          ${name}: ${ok} as declared, ${resources.length} to change`)
  expectEqual('nothing is to change', plans.flatMap(({ resources }) => resources).length, 0)

  say('\n── what drifts is put back ──')
  await docker(
    engine,
    'exec',
    'larder-demo-web-1',
    'sh',
    '-c',
    'echo broken >/var/www/html/index.html; systemctl stop nginx',
  )
  await watch.time('somebody breaks web-1: put back', () => apply(site, controller))
  await expectPage(engine, 'Hello from web-1')

  say('\n── a merge that adds a package ──')
  await writeSite(site, { packages: ['netcat-openbsd'], client: ['curl', 'netcat-openbsd'] })
  await watch.time('merged: mirrored, and installed on client-1', () => merge(site, 'netcat'))
  const nc = await docker(engine, 'exec', 'larder-demo-client-1', 'dpkg-query', '-W', 'netcat-openbsd')
  say(`          client-1 has ${nc.replace('\t', ' ')}`)

  say('\n── a machine that is gone ──')
  await docker(engine, 'rm', '--force', 'larder-demo-web-1')
  await watch.time('web-1 is removed by somebody: made again', () => apply(site, controller))
  await expectPage(engine, 'Hello from web-1')
  say('\nDone: the machines are as declared, from the mirror alone.')
}

async function writeSite(
  site: PushedSite,
  { packages, client }: { packages: string[]; client: string[] },
): Promise<void> {
  const suite = await hostSuite()
  const needed = ['apt', 'ca-certificates', 'curl', 'dbus', 'iproute2', 'nginx-light', 'openssh-server', 'systemd-sysv']
  const text = {
    site: 'demo',
    upstreams: { host: { format: 'apt', from: 'system' } },
    mirrors: {
      base: {
        format: 'apt',
        upstreams: ['host'],
        suite,
        components: ['main'],
        architectures: ['amd64'],
        base: 'essential',
        packages: 'packages.json',
      },
    },
    network: {
      subnet: '10.213.88.0/24',
      gateway: '10.213.88.1',
      dhcp: { range: ['10.213.88.100', '10.213.88.200'] },
    },
    machines: {
      'web-1': {
        address: '10.213.88.11',
        roles: [{ name: 'mirror-client', variables: { packages: ['nginx-light'] } }, 'web'],
      },
      'client-1': { roles: [{ name: 'mirror-client', variables: { packages: client } }], after: ['web-1'] },
    },
  }
  await site.write({
    'larder.yaml': JSON.stringify(text, undefined, 2),
    'packages.json': JSON.stringify([...needed, ...packages]),
    'roles/web.yaml': [
      'variables: { greeting: Hello }',
      'resources:',
      '  - file: /var/www/html/index.html',
      '    template: roles/web/index.html.mustache',
      '  - service: nginx.service',
      '    ready: { tcp: 80 }',
      '',
    ].join('\n'),
    'roles/web/index.html.mustache': '{{greeting}} from {{machine.name}}\n',
  })
}

/** Pushes, and waits until the run is over. */
async function merge(site: PushedSite, message: string): Promise<void> {
  const said = await site.push(message)
  for (const line of said.split('\n').filter((told) => told.includes('machine '))) say(`          ${line.trim()}`)
  await site.finished()
}

async function apply(site: PushedSite, { larder }: RunningController): Promise<void> {
  await larder.controller.applyMachines()
  await site.finished()
}

async function expectPage(engine: string, text: string): Promise<void> {
  const page = await docker(
    engine,
    'exec',
    'larder-demo-client-1',
    'curl',
    '-fsS',
    '--max-time',
    '10',
    'http://web-1.demo.internal/',
  )
  expectEqual('client-1 reads the page of web-1, by its name', page, text)
}

async function docker(engine: string, ...args: string[]): Promise<string> {
  return (await execa('docker', ['--host', engine, ...args], { stdin: 'ignore' })).stdout
}
