import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { applyHosts } from '../../src/fleet/converge/converge-hosts.ts'
import type { HostResult } from '../../src/fleet/converge/host-plan.ts'
import type { Resource } from '../../src/fleet/resource/resource-type.ts'
import { sh } from '../../src/fleet/shell/script.ts'
import { measureProcess } from '../measure-process.ts'
import { median, medianRatio, type Bench, type BenchContext } from '../report.ts'
import { ansiblePlaybook, larderResources } from './declared.ts'
import { clean, startHosts, writeInventory, type BenchHost } from './hosts.ts'

/** The same 21 resources on the same hosts, beside Debian's Ansible. */
export const fleetBench: Bench = {
  cases: ['first', 'nothing-new', 'fifty'],
  packages: { 'ansible-core': 'the peer', 'openssh-client': 'reaches hosts', 'openssh-server': 'the hosts' },
  async run(context) {
    if (process.getuid?.() !== 0) throw new Error('hosts with roots of their own need root')
    const resources = await larderResources()
    context.report.note(`load ${(await readFile('/proc/loadavg', 'utf8')).split(' ')[0]}`)
    if (context.wants('first') || context.wants('nothing-new')) await besideAnsible(context, resources)
    if (context.wants('fifty')) await fifty(context, resources)
  },
}

async function besideAnsible(context: BenchContext, resources: readonly Resource[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'larder-bench-'))
  const started = await startHosts(3)
  const { hosts } = started
  try {
    const env = writeInventory(hosts, folder)
    const playbook = join(folder, 'playbook.json')
    await writeFile(playbook, ansiblePlaybook())
    const ansible = async (): Promise<number> => (await measureProcess('ansible-playbook', [playbook], { env })).seconds
    const larder = (): Promise<number> => seconds(() => converge(hosts, resources))
    const floor = (): Promise<number> => seconds(() => touch(hosts))
    const peerName = `ansible ${/core ([\d.]+)/.exec(execFileSync('ansible-playbook', ['--version']).toString())?.[1] ?? ''}`
    const add = adder(context, peerName)
    // Connections are open, caches warm.
    await touch(hosts)
    await measureProcess('ansible', ['all', '-m', 'ping'], { env })
    if (context.wants('first')) {
      const [mine, theirs] = await inTurn(context.runs, [larder, ansible], () => Promise.all(hosts.map(clean)))
      add('first run, 21 resources, 3 hosts', { mine, theirs, target: 0.5 })
    }
    if (context.wants('nothing-new')) {
      await converge(hosts, resources)
      await ansible()
      await converge(hosts, resources)
      const [mine, theirs] = await inTurn(context.runs, [larder, ansible])
      add('nothing new, 21 resources, 3 hosts', { mine, theirs, target: 1 / 25 })
      const [again, bare] = await inTurn(4 * context.runs, [larder, floor])
      const add3 = adder(context, 'ssh true')
      add3('nothing new, beside one multiplexed ssh a host', { mine: again, theirs: bare, target: 3 })
    }
  } finally {
    await started.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function fifty(context: BenchContext, resources: readonly Resource[]): Promise<void> {
  const started = await startHosts(50)
  const { hosts } = started
  try {
    await touch(hosts)
    await converge(hosts, resources)
    const slow = hosts.map((one, index) => (index === 0 ? { ...one, host: late(one) } : one))
    const all = (): Promise<number> => seconds(() => converge(hosts, resources))
    const withSlow = (): Promise<number> => seconds(() => converge(slow, resources))
    const floor = (): Promise<number> => seconds(() => touch(hosts))
    const [mine, bare] = await inTurn(context.runs, [all, floor])
    adder(context, 'ssh true')('nothing new, 50 hosts, beside one multiplexed ssh a host', {
      mine,
      theirs: bare,
      target: 3,
    })
    const [slowed, quick] = await inTurn(context.runs, [withSlow, all])
    adder(context, 'none slow')('nothing new, 50 hosts, one of them 2 s late', { mine: slowed, theirs: quick })
  } finally {
    await started.stop()
  }
}

function late({ host }: BenchHost): BenchHost['host'] {
  return { ...host, run: (script, options) => host.run(sh`sleep 2\n${script}`, options) }
}

let runs = 0

async function converge(hosts: readonly BenchHost[], resources: readonly Resource[]): Promise<void> {
  const targets = hosts.map(({ name, host }) => ({ machine: name, host, resources }))
  const { signal } = new AbortController()
  const results = await applyHosts(targets, { signal, runId: `bench-${process.pid}-${++runs}`, log: () => {} })
  for (const result of results) check(result)
}

function check(result: HostResult): void {
  if ('unreachable' in result) throw result.unreachable
  const bad = result.entries.find(({ outcome }) => outcome !== 'ok' && outcome !== 'changed')
  if (bad !== undefined) throw new Error(`${result.machine}: ${bad.id} ${bad.outcome}: ${bad.why}\n${bad.log}`)
}

/** The floor: a connection that is open, a process there. At most 16 at once, as Larder does. */
async function touch(hosts: readonly BenchHost[]): Promise<void> {
  const waiting = [...hosts]
  const worker = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      await next.host.run(sh`true`, { timeoutMs: 60_000 })
    }
  }
  await Promise.all(Array.from({ length: 16 }, worker))
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}

async function inTurn(
  rounds: number,
  [one, other]: [() => Promise<number>, () => Promise<number>],
  before: () => Promise<unknown> = () => Promise.resolve(),
): Promise<[number[], number[]]> {
  const [ones, others]: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    await before()
    ones.push(await one())
    await before()
    others.push(await other())
  }
  return [ones, others]
}

function adder({ report }: BenchContext, peerName: string) {
  return (name: string, { mine, theirs, target }: { mine: number[]; theirs: number[]; target?: number }): void =>
    report.add({
      case: name,
      unit: 's',
      larder: median(mine),
      peer: median(theirs),
      peerName,
      ratio: medianRatio(mine, theirs),
      ...(target === undefined ? {} : { target }),
      runs: mine.length,
    })
}
