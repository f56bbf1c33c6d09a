import { LarderError, ownValue } from '../../core/index.ts'
import {
  machinesOf,
  scanHostKey,
  type KnownMachine,
  type MachineConfig,
  type MachinesConfig,
} from '../../fleet/index.ts'
import type { MachineController, MachineKey, MachineSummary } from '../machine-controller.ts'
import { lookAtMachines } from '../look-at-machines.ts'
import { lookAtServices } from '../look-at-services.ts'
import type { RunSummary } from '../controller.ts'
import { requestLimitedApply } from '../begin-limited-apply.ts'
import type { ControllerContext } from './context.ts'
import { planMachines } from './machine-plans.ts'
import { summarizeRun } from './runs.ts'

export function createMachineMethods(context: ControllerContext): MachineController {
  const { fleet } = context
  return {
    async machines() {
      const declared = await declaredMachines(context)
      const known = await fleet.memory.list()
      const names = [...new Set([...Object.keys(declared), ...known.map(({ name }) => name)])].sort()
      return names.map((name) =>
        summaryOf(
          name,
          ownValue(declared, name),
          known.find((one) => one.name === name),
        ),
      )
    },
    async machine(name) {
      const declared = ownValue(await declaredMachines(context), name)
      const known = await fleet.memory.get(name)
      if (declared === undefined && known === undefined) throw unknownMachine(name)
      const { ok = 0, resources = [] } = known?.detail ?? {}
      return { ...summaryOf(name, declared, known), ssh: declared?.ssh, run: known?.runId, ok, resources }
    },
    async networkLeases() {
      const leases = await fleet.network.leases()
      return leases.map(({ expiresAt, ...lease }) => ({ ...lease, expiresAt: expiresAt.toISOString() }))
    },
    siteRecipient: () => fleet.secrets.recipient(),
    async planMachines(names) {
      await requireMachines(context, names)
      // One after the other, over the connection that the first look has opened.
      const machines = await lookAtMachines(context, { names })
      return planMachines(machines, await lookAtServices(context, names))
    },
    applyMachines: (names) => applyMachines(context, names),
    machineKey: async (name) => (await scan(context, name)).key,
    async trustMachine(name, fingerprint) {
      const { key, shown } = await scan(context, name)
      if (key.fingerprint !== fingerprint) {
        throw new LarderError('FLEET_HOST_KEY_CHANGED', {
          message: `${name} shows the key ${key.fingerprint}, not ${fingerprint}.`,
          hint: 'Compare it on the host itself: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub',
          context: { machine: name },
        })
      }
      await (await fleet.credentials()).trust(name, [shown])
      return { ...key, isTrusted: true }
    },
  }
}

async function applyMachines(context: ControllerContext, names: readonly string[] | undefined): Promise<RunSummary> {
  await requireMachines(context, names)
  const commit = (await context.siteHead.current())?.commit
  if (commit === undefined) throw noMain()
  const origin = 'machine apply'
  if (names !== undefined) {
    const limited = { commit, machines: names, origin: `${origin} --limit ${names.join(',')}` }
    return summarizeRun(await requestLimitedApply(context, limited))
  }
  const run = await context.runs.create({ branch: 'main', commit, goal: 'apply', origin })
  context.runner.wake()
  return summarizeRun(run)
}

async function declaredMachines({ siteHead }: ControllerContext): Promise<MachinesConfig> {
  return machinesOf((await siteHead.current())?.site.sections)
}

async function requireMachines(context: ControllerContext, names: readonly string[] | undefined): Promise<void> {
  const declared = await declaredMachines(context)
  const unknown = names?.find((name) => !Object.hasOwn(declared, name))
  if (unknown !== undefined) throw unknownMachine(unknown)
}

function noMain(): LarderError {
  return new LarderError('NOT_FOUND', {
    message: 'The site repository has no valid main branch yet.',
    hint: 'Push a commit with larder.yaml to main.',
  })
}

function unknownMachine(name: string): LarderError {
  return new LarderError('FLEET_MACHINE_UNKNOWN', {
    message: `The site declares no machine ${name.slice(0, 100)}.`,
    hint: 'larder machine ls shows those that it does.',
  })
}

function summaryOf(name: string, declared: MachineConfig | undefined, known: KnownMachine | undefined): MachineSummary {
  const place = declared?.at ?? known?.place ?? 'container'
  const found = known === undefined ? neverSeen(declared) : foundLast(known)
  return { name, place, ...found, isDeclared: declared !== undefined }
}

type Found = Omit<MachineSummary, 'name' | 'place' | 'isDeclared'>

function neverSeen(declared: MachineConfig | undefined): Found {
  const address = declared?.address ?? declared?.ssh?.address
  return { state: 'new', address, os: undefined, why: undefined, checkedAt: undefined, changedAt: undefined }
}

function foundLast({ state, detail, checkedAt, changedAt }: KnownMachine): Found {
  const { address, os, why } = detail
  return { state, address, os, why, checkedAt: checkedAt.toISOString(), changedAt: changedAt?.toISOString() }
}

async function scan(context: ControllerContext, name: string) {
  const machines = await declaredMachines(context)
  const declared = ownValue(machines, name)
  if (declared === undefined) throw unknownMachine(name)
  const { ssh } = declared
  if (ssh === undefined) {
    throw new LarderError('USAGE', {
      message: `Larder gave ${name} its key, and knows it by that.`,
      hint: 'Only hosts at: ssh are to be trusted by a word of yours.',
    })
  }
  const [shown] = await scanHostKey({ name, address: ssh.address, port: ssh.port })
  if (shown === undefined) throw new LarderError('FLEET_HOST_UNREACHABLE', { message: `${name} shows no key.` })
  const credentials = await context.fleet.credentials()
  const key: MachineKey = {
    machine: name,
    fingerprint: shown.fingerprint,
    isTrusted: await credentials.trusts(name, shown),
    authorizedKey: credentials.authorizedKey,
  }
  return { key, shown }
}
