import { execa } from 'execa'
import { expect } from 'vitest'
import { parseSiteFile, silentProgress, systemClock } from '../../../src/core/index.ts'
import { memoryFiles } from '../../../src/core/testing/memory-files.ts'
import { applyHosts, planHosts } from '../../../src/fleet/converge/converge-hosts.ts'
import type { ConvergeTarget, HostResult } from '../../../src/fleet/converge/host-plan.ts'
import { createContainerPlace } from '../../../src/fleet/place/container/container-place.ts'
import { openFleetCredentials } from '../../../src/fleet/place/credentials.ts'
import type { MachineSpec } from '../../../src/fleet/place/place.ts'
import { parseResources, type DeclaredResource } from '../../../src/fleet/resource/parse-resources.ts'
import { resolveResources } from '../../../src/fleet/resource/resolve-resources.ts'
import { readRole } from '../../../src/fleet/role/role.ts'
import type { Script } from '../../../src/fleet/shell/script.ts'
import { testRoom } from '../../../src/fleet/testing/resolve-room.ts'
import { startDockerEngine } from './docker-engine.ts'
import { machineBase } from './machine-base.ts'
import { openWorkspace } from './workspace.ts'

/** Resources of a machine, with what their templates may say. */
interface Declared {
  resources: readonly DeclaredResource[]
  variables: Readonly<Record<string, unknown>>
}

interface ConvergedMachines extends AsyncDisposable {
  /** What a script prints; `exit CODE: …` where it fails. */
  ask(at: number, script: Script): Promise<string>
  /** Applies to all at once; what became of each, whatever that is. */
  apply(declared: readonly (readonly Declared[])[]): Promise<readonly HostResult[]>
  /** Applies to one after the other, or `together`, and asks for the plan: all is as declared. Answers what was changed. */
  converge(declared: readonly (readonly Declared[])[], order?: 'in turn' | 'together'): Promise<string[][]>
}

interface ConvergedMachinesOptions {
  site: string
  /** The first three numbers of its addresses. Machines are at .11, .12, … */
  subnet: string
  names: readonly string[]
  /** In what they begin with. */
  packages: readonly string[]
  /** Default 512. */
  memoryMiB?: number
}

/** Machines with systemd, in an engine of their own; undefined where this host has no APT sources to make them from. */
export async function openConvergedMachines(options: ConvergedMachinesOptions): Promise<ConvergedMachines | undefined> {
  const base = await machineBase(options.packages)
  if (base === undefined) return undefined
  await using ending = new AsyncDisposableStack()
  const workspace = ending.use(await openWorkspace())
  const engine = ending.use(await startDockerEngine(workspace.path('engine')))
  const docker = (...args: string[]) => execa('docker', ['--host', engine.host, ...args], { stdin: 'ignore' })
  ending.defer(async () => {
    await docker('network', 'prune', '--force')
  })
  ending.defer(async () => {
    const { stdout } = await docker('ps', '--all', '--quiet')
    if (stdout !== '') await docker('rm', '--force', ...stdout.split('\n'))
  })
  const credentials = await openFleetCredentials(workspace.path('machines'))
  const place = createContainerPlace({
    dockerHost: engine.host,
    reach: { credentials, controlFolder: workspace.path('c'), clock: systemClock },
  })
  const { signal } = new AbortController()
  const specs = specsOf(options, base)
  for (const spec of specs) {
    await place.bringUp(spec, { credentials: await credentials.of(spec.name), progress: silentProgress, signal })
  }
  const hosts = specs.map((spec) => place.host(spec))
  for (const host of hosts) ending.defer(() => host.close())
  let runs = 0
  const targetsOf = (declared: readonly (readonly Declared[])[]): Promise<ConvergeTarget[]> =>
    Promise.all(declared.map((lists, at) => targetOf(lists, specs[at]!.name, hosts[at]!)))
  const applyAll = (targets: readonly ConvergeTarget[]): Promise<readonly HostResult[]> =>
    applyHosts(targets, { runId: `test-${++runs}`, signal, log: () => {} })
  const applyInTurn = async (targets: readonly ConvergeTarget[]): Promise<readonly HostResult[]> => {
    const results: HostResult[] = []
    for (const target of targets) results.push(...(await applyAll([target])))
    return results
  }
  const opened = ending.move()
  return {
    async ask(at, script) {
      const { code, stdout, stderr } = await hosts[at]!.run(script, { timeoutMs: 60_000 })
      return code === 0 ? stdout.toString().trim() : `exit ${code}: ${stderr}`
    },
    apply: async (declared) => applyAll(await targetsOf(declared)),
    async converge(declared, order = 'in turn') {
      const targets = await targetsOf(declared)
      const results = await (order === 'together' ? applyAll(targets) : applyInTurn(targets))
      const entries = results.map(entriesOf)
      const bad = entries.flat().filter(({ outcome }) => outcome !== 'ok' && outcome !== 'changed')
      expect(bad).toEqual([])
      const plans = await planHosts(targets, { signal })
      const open = plans.flatMap((plan): unknown[] =>
        'entries' in plan ? plan.entries.filter(({ state }) => state !== 'ok') : [plan],
      )
      expect(open).toEqual([])
      return entries.map((one) => one.filter(({ outcome }) => outcome === 'changed').map(({ id }) => id))
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

function specsOf(
  { site, subnet, names, memoryMiB = 512 }: ConvergedMachinesOptions,
  base: MachineSpec['base'],
): MachineSpec[] {
  const network = { network: 'lan', prefixLength: 24, gateway: `${subnet}.1` }
  return names.map((name, at) => ({
    name,
    site,
    addresses: [{ ...network, address: `${subnet}.${11 + at}` }],
    identity: 'one',
    ...(base === undefined ? {} : { base }),
    memoryMiB,
    cpus: 1,
  }))
}

async function targetOf(
  lists: readonly Declared[],
  name: string,
  host: ConvergeTarget['host'],
): Promise<ConvergeTarget> {
  const room = testRoom({}, { secret: async () => `it's a:b\\c "d" $e %f ;--` })
  const placed = lists.flatMap(({ resources, variables }) =>
    resources.map((resource) => ({ resource, room: { ...room, variables: { machine: { name }, ...variables } } })),
  )
  return { machine: name, host, resources: await resolveResources(placed) }
}

function entriesOf(result: HostResult): readonly { id: string; outcome: string; why?: string; log?: string }[] {
  return 'entries' in result ? result.entries : [{ id: result.unreachable.message, outcome: 'unreachable' }]
}

/** A list of resources, as larder.yaml has it. */
export function written(yaml: string): Declared {
  const { resources, problems } = parseResources(parseSiteFile(Buffer.from(yaml), 'r.yaml').document!)
  expect(problems).toEqual([])
  return { resources, variables: {} }
}

/** A built-in role. */
export async function role(name: string, given: Readonly<Record<string, unknown>> = {}): Promise<Declared> {
  const { role: read, problems } = await readRole(memoryFiles({}), name, given)
  expect(problems).toEqual([])
  return read!
}
