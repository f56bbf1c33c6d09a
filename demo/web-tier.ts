// npm run demo:web-tier: the site examples/web-tier. A load balancer before two machines of a counter, and a database with a
// copy that follows it, all made from a mirror of this host's own APT sources; a new version of the counter is merged and
// rolled while 16 clients ask (`-- --rollouts 20 --reloads 5` for more of that); a machine is killed, and made again. Needs
// root on Debian; the Docker engine that it runs machines in is its own.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { execa } from 'execa'
import type { RunningController } from '../src/app/controller-process.ts'
import { createStopwatch } from '../src/app/quickstart/stopwatch.ts'
import { systemClock } from '../src/core/index.ts'
import { hasAptSources } from '../test/e2e/support/apt-sources.ts'
import { freePort } from '../test/e2e/support/free-port.ts'
import { startDemoController, startMachineEngine } from './demo-controller.ts'
import { openDemo } from './demo.ts'
import { beginLoad, type Load } from './load.ts'
import { expectEqual, openPushedSite, say, type PushedSite } from './pushed-site.ts'
import { pushBaseImage, subnet, writeMirror, writeStickiness, writeVersion, writeWebTier } from './web-tier-site.ts'

const watch = createStopwatch(systemClock, say)
const [rollouts, reloads] = howOften()
const counter = `http://${subnet}.31/api/count`

if (await hasAptSources()) {
  await using demo = await openDemo()
  const engine = await startMachineEngine(demo)
  process.env['DOCKER_HOST'] = engine.host
  const registry = { port: await freePort() }
  const configFile = join(demo.folder, 'controller.yaml')
  await writeFile(configFile, controllerYaml(registry.port))
  const controller = await startDemoController(demo, { host: '0.0.0.0', configFile })
  const site = await openPushedSite(join(demo.folder, 'site'), controller)
  await bringUp(site, controller, { registry, folder: demo.folder })
  await roll(site)
  await killOne(site, controller)
  say('\nDone: renewed and made again without a failed request besides those under way on what was killed.')
} else {
  say('Left out: this host has no APT sources to make machines from.')
}

/** `-- --rollouts 20 --reloads 5` for a long look. */
function howOften(): [rollouts: number, reloads: number] {
  const options = { rollouts: { type: 'string', default: '1' }, reloads: { type: 'string', default: '0' } } as const
  const { values } = parseArgs({ options })
  return [Number(values.rollouts), Number(values.reloads)]
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** Machines reach the registry at the gateway of their network, which is this host. */
function controllerYaml(port: number): string {
  return `tls: { listen: '0.0.0.0:${port}', names: ['${subnet}.1'] }\nregistry: { publicHost: '${subnet}.1:${port}' }\n`
}

async function bringUp(
  site: PushedSite,
  controller: RunningController,
  { registry, folder }: { registry: { port: number }; folder: string },
): Promise<void> {
  const { controller: larder } = controller.larder
  say('\n── a mirror, and an image made from it ──')
  await writeMirror(site)
  await watch.time('pushed: mirrored', () => merge(site, 'A mirror'))
  await watch.time('Node from the mirror, in our registry', () => pushBaseImage(controller, registry, folder))

  say('\n── the web tier ──')
  await writeWebTier(site, registry, await larder.siteRecipient())
  await watch.time('pushed: five machines made, the counter built, all of it ready', () => merge(site, 'A web tier'))
  for (const { name, state, address } of await larder.machines()) say(`          ${name}: ${state}, ${address}`)
  const page = await (await fetch(new URL('/', counter))).text()
  expectEqual('the page is there', page.includes('<title>Counter</title>'), true)
  const seen = new Set([await ask(), await ask()].map(({ machine, version }) => `${machine}: ${version}`))
  expectEqual('the counter, by turns', [...seen].sort().join(', '), 'web-1: 1.0.0, web-2: 1.0.0')
}

/** New versions, each on one machine after the other, and other configurations of the balancer, while 16 clients ask. */
async function roll(site: PushedSite): Promise<void> {
  say(`\n── ${counted(rollouts, 'new version')} under load, ${counted(reloads, 'reload')} of the balancer ──`)
  const before = (await ask()).count
  await underLoad(async (load) => {
    for (let minor = 1; minor <= rollouts; minor++) {
      const version = `1.${minor}.0`
      await writeVersion(site, version)
      await watch.time('merged: built, and rolled with 16 clients asking', () => merge(site, `Version ${version}`))
      expectEqual('requests that failed', tell(load), 0)
      expectEqual('the version now', (await ask()).version, version)
    }
    for (let reload = 1; reload <= reloads; reload++) {
      await writeStickiness(site, reload % 2 === 1)
      await watch.time('merged: another configuration of the balancer', () => merge(site, `Reload ${reload}`))
      expectEqual('requests that failed', tell(load), 0)
    }
  })
  say(`          counted from ${before} to ${(await ask()).count}`)
}

async function killOne(site: PushedSite, { larder }: RunningController): Promise<void> {
  say('\n── web-1 is killed ──')
  await underLoad(async (load) => {
    await docker('rm', '--force', 'larder-web-tier-web-1')
    await new Promise((resolve) => setTimeout(resolve, 5000))
    const failed = tell(load)
    expectEqual('no more than those that were under way', failed <= 16, true)
    await watch.time('made again, and back with its version', async () => {
      await larder.controller.applyMachines()
      await site.finished()
    })
    expectEqual('requests that failed meanwhile', tell(load), 0)
  })
  const seen = new Set([await ask(), await ask()].map(({ machine }) => machine))
  expectEqual('the counter, by turns', [...seen].sort().join(', '), 'web-1, web-2')
}

async function underLoad(work: (load: Load) => Promise<void>): Promise<void> {
  const load = beginLoad(counter, 16)
  try {
    await work(load)
  } finally {
    await load.end()
  }
}

/** How many have failed since this was told last. */
function tell(load: Load): number {
  const failures = [...load.takeFailures()]
  for (const [why, times] of failures) say(`          ${times} × ${why}`)
  const count = failures.reduce((sum, [, times]) => sum + times, 0)
  say(`          ${load.answered()} requests were answered, ${count} failed`)
  return count
}

async function ask(): Promise<{ count: number; version: string; machine: string }> {
  const response = await fetch(counter, { signal: AbortSignal.timeout(10_000) })
  return (await response.json()) as { count: number; version: string; machine: string }
}

/** Pushes, and waits until the run is over. */
async function merge(site: PushedSite, message: string): Promise<void> {
  const said = await site.push(message)
  const shown = said.split('\n').filter((line) => /\b(?:machine|service|image|mirror) /.test(line))
  for (const line of shown) say(`          ${line.trim()}`)
  await site.finished()
}

async function docker(...args: string[]): Promise<string> {
  return (await execa('docker', args, { stdin: 'ignore' })).stdout
}
