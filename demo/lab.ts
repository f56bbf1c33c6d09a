// npm run demo:lab: an RPM mirror for a network whose addresses Larder hands out. A change of the package list is pushed to
// a branch and planned, then merged; a client that got its address by DHCP, in the declared range, installs from the mirror
// alone by dnf. Needs root on Debian; the network is a bridge and a namespace of its own.
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import type { RunningController } from '../src/app/controller-process.ts'
import { createStopwatch } from '../src/app/quickstart/stopwatch.ts'
import { systemClock } from '../src/core/index.ts'
import { startRpmUpstream, type RpmUpstream } from '../test/fixtures/rpm-upstream/index.ts'
import { startDemoController } from './demo-controller.ts'
import { openDemo } from './demo.ts'
import { labNames, removeLab } from './former-demos.ts'
import { expectEqual, openPushedSite, say, type PushedSite } from './pushed-site.ts'

const watch = createStopwatch(systemClock, say)
const { bridge, client } = labNames(process.pid)
const subnet = '10.213.89'

const packages = [
  { name: 'nmap', version: '7.92', requires: ['libpcap'] },
  { name: 'libpcap', version: '1.10' },
  { name: 'tree', version: '2.0' },
]

await using demo = await openDemo()
const { folder } = demo
const upstream = await demo.use(
  () => startRpmUpstream({ packages }),
  (begun) => begun.close(),
)
await demo.use(
  () => Promise.resolve(),
  () => removeLab(process.pid),
)
await demonstrate(await startDemoController(demo, { host: '0.0.0.0' }), upstream)

async function demonstrate(controller: RunningController, upstream: RpmUpstream): Promise<void> {
  const site = await openPushedSite(join(folder, 'site'), controller)
  say('\n── a mirror, and a network with addresses and names ──')
  await writeSite(site, upstream, ['tree'])
  await watch.time('pushed: mirrored, and addresses are handed out', async () => {
    await site.push('A lab')
    await site.finished()
  })

  say('\n── a client comes ──')
  const lease = await watch.time('it asked by DHCP, and has an address', askForAddress)
  expectEqual('it is in the declared range', isInRange(lease), true)
  const [given] = await controller.larder.controller.networkLeases()
  say(`          larder network leases: ${given?.address ?? ''} for ${given?.mac ?? ''}`)
  await inClient(
    'curl',
    '-fsS',
    '-o',
    join(folder, 'el9.repo'),
    `http://${subnet}.1:${portOf(controller)}/setup/el9.repo`,
  )
  expectEqual('nmap can be installed there', await install('nmap'), false)

  say('\n── a change of the list: planned, then merged ──')
  await writeSite(site, upstream, ['tree', 'nmap'])
  const said = await watch.time('pushed to a branch: planned', () => site.push('nmap for the lab', 'try-nmap'))
  for (const line of said.split('\n').filter((told) => told.includes('mirror '))) say(`          ${line.trim()}`)
  await watch.time('merged: in the mirror, with what it needs', async () => {
    await site.push('nmap for the lab, merged')
    await site.finished()
  })
  expectEqual('nmap can be installed there', await install('nmap'), true)
  say('\nDone: a client with an address of ours installed from our mirror alone.')
}

async function writeSite(site: PushedSite, { url, key }: RpmUpstream, packages: readonly string[]): Promise<void> {
  const text = {
    site: 'lab',
    upstreams: { vendor: { format: 'rpm', url, keys: ['keys/vendor.asc'] } },
    mirrors: { el9: { format: 'rpm', upstreams: ['vendor'], architectures: ['x86_64'], packages: 'packages.json' } },
    network: {
      subnet: `${subnet}.0/24`,
      gateway: `${subnet}.1`,
      bridge,
      dhcp: { range: [`${subnet}.100`, `${subnet}.150`] },
    },
  }
  await site.write({
    'larder.yaml': JSON.stringify(text, undefined, 2),
    'keys/vendor.asc': key,
    'packages.json': `${JSON.stringify(packages.map((name) => ({ package_command: name })))}\n`,
  })
}

/** A namespace at the bridge, with nothing but a card. */
async function askForAddress(): Promise<string> {
  await execa('ip', ['netns', 'add', client])
  await execa('ip', ['link', 'add', `${bridge}p`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', client])
  await execa('ip', ['link', 'set', `${bridge}p`, 'master', bridge, 'up'])
  await execa('ip', ['-n', client, 'link', 'set', 'lo', 'up'])
  await execa('ip', ['-n', client, 'link', 'set', 'eth0', 'up'])
  const script = join(folder, 'udhcpc.sh')
  await writeFile(
    script,
    '#!/bin/sh\n[ "$1" = bound ] || exit 0\nip addr replace "$ip/$mask" dev "$interface"\necho "bound $ip"\n',
  )
  await chmod(script, 0o755)
  const { stdout } = await inClient(
    'busybox',
    'udhcpc',
    '-i',
    'eth0',
    '-n',
    '-q',
    '-f',
    '-t',
    '10',
    '-T',
    '1',
    '-s',
    script,
  )
  return /^bound (\S+)$/m.exec(stdout)?.[1] ?? 'none'
}

function isInRange(address: string): boolean {
  const last = Number(address.startsWith(`${subnet}.`) ? address.slice(subnet.length + 1) : Number.NaN)
  return last >= 100 && last <= 150
}

/** By a dnf that sees nothing of this host, in the client’s network. */
async function install(name: string): Promise<boolean> {
  const root = join(folder, 'root')
  const settings = [
    `--installroot=${root}`,
    `--setopt=reposdir=${folder}`,
    `--setopt=cachedir=${join(folder, 'dnf')}`,
    '--setopt=plugins=0',
    '--releasever=9',
    '--forcearch=x86_64',
    '--refresh',
    '--assumeyes',
  ]
  const { exitCode } = await inClient('dnf', ...settings, 'install', '--', name)
  return exitCode === 0
}

function inClient(...command: string[]) {
  return execa('ip', ['netns', 'exec', client, ...command], { stdin: 'ignore', reject: false })
}

function portOf({ url }: RunningController): string {
  return new URL(url).port
}
