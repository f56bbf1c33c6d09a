import { formatBytes, isLarderError } from '../../../core/index.ts'
import {
  examineHost,
  isMade,
  machinesOf,
  machineSpecs,
  notRunning,
  type HostHealth,
  type KnownMachine,
  type MachineSpec,
} from '../../../fleet/index.ts'
import type { Ailment, DoctorCheck, DoctorContext } from '../check.ts'

/** Machines that were brought up answer, have the right time and room on their disks, and nothing on them has failed. */
export const hostsCheck: DoctorCheck = {
  name: 'hosts',
  async look(context) {
    const hosts = await hostsOf(context)
    const examined = await Promise.all(
      hosts.map(async ({ known, spec }) => {
        try {
          return await examine(context, known, spec)
        } catch (error) {
          if (!isLarderError(error) || context.signal.aborted) throw error
          return [unreachable(known.name, error)]
        }
      }),
    )
    return examined.flat()
  },
}

/** What is known not to be well is told by the check of machines already. */
async function examine(
  { context: { fleet, clock }, signal }: DoctorContext,
  { name, place: at, state: knownAs }: KnownMachine,
  spec: MachineSpec,
): Promise<Ailment[]> {
  const place = await fleet.options.place(at)
  const state = isMade(at) ? await place.observe(spec) : 'running'
  if (state === 'running')
    return judgeHost(name, await examineHost(place.host(spec), { now: () => clock.now(), signal }))
  if (knownAs !== 'converged') return []
  const hint = `larder machine apply --limit ${name}`
  return [{ severity: 'error', subject: `machine ${name}`, message: notRunning[state], hint }]
}

/** Those that were seen once. What was never made is told by the check of machines. */
async function hostsOf({ context: { siteHead, fleet } }: DoctorContext) {
  const site = (await siteHead.current())?.site
  const declared = machinesOf(site?.sections)
  const known = await fleet.memory.list()
  if (site === undefined || known.length === 0) return []
  const of = { site: site.sections, siteName: site.name }
  const specs = machineSpecs(declared, { ...of, known, own: await fleet.options.ownAddresses(of) })
  return known.flatMap((one) => {
    const spec = specs.get(one.name)
    return spec === undefined ? [] : [{ known: one, spec }]
  })
}

function unreachable(name: string, { message, hint }: { message: string; hint?: string | undefined }): Ailment {
  const mend = hint ?? `Look whether it runs and whether its address is right; then larder machine shell ${name}`
  return { severity: 'error', subject: `machine ${name}`, message, hint: mend }
}

/** TLS, tokens and logs are wrong beyond this; APT refuses what is dated 10 s in its future. */
const clockWrongMs = 5000
const clockFarMs = 60_000
const leastFreeBytes = 200_000_000
const replicaLateMs = 60_000
const slotKeepsBytes = 1_000_000_000
const mostUnits = 10

/** Pure. */
export function judgeHost(name: string, health: HostHealth): Ailment[] {
  return [
    ...judgeClock(name, health),
    ...judgeDisks(name, health),
    ...judgeUnits(name, health),
    ...judgeReplicas(name, health),
  ]
}

function judgeClock(name: string, { clockOffsetMs }: HostHealth): Ailment[] {
  const offMs = Math.abs(clockOffsetMs)
  if (offMs < clockWrongMs) return []
  const way = clockOffsetMs > 0 ? 'ahead of' : 'behind'
  return [
    {
      severity: offMs < clockFarMs ? 'warning' : 'error',
      subject: `machine ${name}`,
      message: `The clock of ${name} is ${Math.round(offMs / 1000)} s ${way} that of the controller.`,
      hint: 'Have both follow NTP (package chrony, or systemd-timesyncd); a container has the clock of its host.',
    },
  ]
}

function judgeDisks(name: string, { fileSystems }: HostHealth): Ailment[] {
  return fileSystems.flatMap(({ path, freeBytes, totalBytes, inodes }): Ailment[] => {
    const share = freeBytes / totalBytes
    const isSmall = totalBytes < 10 * leastFreeBytes
    const isFull = share < 0.02 || (!isSmall && freeBytes < leastFreeBytes)
    const subject = `machine ${name}`
    const room = `${formatBytes(freeBytes)} (${(share * 100).toFixed(1)} %)`
    const hint = `Make room there: larder machine shell ${name}, then du -x ${path}; apt-get clean and journalctl --vacuum-size=100M help often.`
    if (isFull || share < 0.05) {
      const message = `${room} are free on ${path} of ${name}.`
      return [{ severity: isFull ? 'error' : 'warning', subject, message, hint }]
    }
    if (inodes === undefined || inodes.free / inodes.total >= 0.05) return []
    const message = `${path} of ${name} has no more than ${inodes.free} inodes left of ${inodes.total}: soon it takes no new files.`
    return [{ severity: inodes.free === 0 ? 'error' : 'warning', subject, message, hint }]
  })
}

function judgeUnits(name: string, { failedUnits }: HostHealth): Ailment[] {
  return failedUnits.slice(0, mostUnits).map((unit) => ({
    severity: 'error',
    subject: `machine ${name}`,
    message: `The unit ${unit} of ${name} has failed.`,
    hint: `larder machine shell ${name}, then: journalctl -u ${unit} -e; systemctl reset-failed ${unit} forgets it`,
  }))
}

function judgeReplicas(name: string, { replica, idleSlots, isDatabaseSilent }: HostHealth): Ailment[] {
  const subject = `machine ${name}`
  const found: Ailment[] = []
  if (isDatabaseSilent) {
    const message = `The PostgreSQL of ${name} does not answer: it has not within 10 s.`
    const hint = `Is its disk full, or does it hang? larder machine shell ${name}, then: journalctl -u postgresql@* -e; vmstat 1`
    found.push({ severity: 'error', subject, message, hint })
  }
  if (replica !== undefined && !replica.isStreaming) {
    const message = `The PostgreSQL of ${name} follows nobody: it gets nothing of what its primary writes.`
    const hint =
      'Is the primary up, and does it let the replica in (pg_hba.conf, password, slot)? journalctl -u postgresql@*'
    found.push({ severity: 'error', subject, message, hint })
  } else if (replica !== undefined && replica.lagMs > replicaLateMs) {
    const message = `The PostgreSQL of ${name} is ${Math.round(replica.lagMs / 1000)} s behind its primary.`
    const hint = 'Look for a long query on the replica (pg_stat_activity), a slow disk, or a slow network.'
    found.push({ severity: 'warning', subject, message, hint })
  }
  for (const { name: slot, keptBytes } of idleSlots) {
    if (keptBytes < slotKeepsBytes) continue
    const message = `The PostgreSQL of ${name} keeps ${formatBytes(keptBytes)} of its journal for the replica ${slot}, which does not fetch it.`
    const hint = `Bring that replica back, or, if it is gone for good: select pg_drop_replication_slot('${slot}')`
    found.push({ severity: 'warning', subject, message, hint })
  }
  return found
}
