import { isLarderError, type Digest, type Finding } from '../../core/index.ts'
import type { DoctorFinding, DoctorReport } from './doctor-report.ts'
import { readAddress } from '../read-address.ts'
import type { Ailment, DoctorCheck, DoctorContext, DoctorRoom } from './check.ts'
import { checks } from './checks/index.ts'
import { loadMirrors } from './load-mirrors.ts'
import { measureUsage } from './usage.ts'

export interface ExamineOptions {
  /** Mend what is safe to mend. */
  fix: boolean
  /** Read every byte of the store and of the database. */
  deep: boolean
  signal?: AbortSignal
}

/**
 * Looks at everything that may be wrong with a Larder, in an order in which what is mended first helps what comes
 * later, and answers the worst first. What takes a run to mend is queued as one.
 */
export async function examine(room: DoctorRoom, options: ExamineOptions): Promise<DoctorReport> {
  const toRestage = new Set<string>()
  const context = await contextOf(room, options, toRestage)
  const findings: DoctorFinding[] = []
  for (const check of checks) {
    context.signal.throwIfAborted()
    for (const ailment of await look(check, context))
      findings.push(await treat(ailment, check.name, context, options.fix))
  }
  const runs = toRestage.size === 0 ? [] : await queueRun(room)
  const usage = await measureUsage(context)
  return { findings: bySeverity(findings), checks: checks.map(({ name }) => name), usage, runs }
}

async function contextOf(room: DoctorRoom, options: ExamineOptions, toRestage: Set<string>): Promise<DoctorContext> {
  const signal = options.signal ?? new AbortController().signal
  const address = await readAddress(room.dataFolder)
  const removed = new Set<Digest>()
  let loading: ReturnType<typeof loadMirrors> | undefined
  return {
    ...room,
    deep: options.deep,
    signal,
    isServing: address?.pid === process.pid,
    loadMirrors: () =>
      (loading ??= loadMirrors(room.context, AbortSignal.any([signal, AbortSignal.timeout(upstreamsMs)]))),
    restage: async (mirror) => {
      await room.forgetInputs(mirror)
      toRestage.add(mirror)
    },
    removed,
    discard: async (digests) => {
      await room.context.store.remove(digests, () => Promise.resolve(new Set()))
      for (const digest of digests) removed.add(digest)
    },
    forgetUnreadable: async () => {
      await room.context.publisher.forgetUnreadable()
    },
  }
}

/** All upstreams together; one that is slower than that is told as unreachable. */
const upstreamsMs = 300_000

/** A check that cannot be made is a finding, so that the others still tell what they find. */
async function look(check: DoctorCheck, context: DoctorContext): Promise<Ailment[]> {
  try {
    return await check.look(context)
  } catch (error) {
    if (context.signal.aborted) throw error
    if (!isLarderError(error)) context.context.log.error(`the check ${check.name} failed`, { error })
    const message = error instanceof Error ? error.message : String(error)
    const hint = isLarderError(error) ? error.hint : 'The log of the controller has more; please report it.'
    return [
      {
        severity: 'error',
        subject: check.name,
        message: `This could not be looked at: ${message}`,
        ...(hint === undefined ? {} : { hint }),
      },
    ]
  }
}

async function treat(
  { mend, ...finding }: Ailment,
  check: string,
  context: DoctorContext,
  fix: boolean,
): Promise<DoctorFinding> {
  const told = { ...finding, check, fixable: mend !== undefined, fixed: false }
  if (!fix || mend === undefined) return told
  try {
    await mend()
    return { ...told, fixed: true }
  } catch (error) {
    context.context.log.error(`what ${check} found could not be mended`, { error })
    return {
      ...told,
      message: `${finding.message} Mending it failed: ${error instanceof Error ? error.message : String(error)}`,
    }
  }
}

async function queueRun({ context, mainCommit }: DoctorRoom): Promise<number[]> {
  const commit = await mainCommit()
  if (commit === undefined) return []
  const run = await context.runs.create({ branch: 'main', commit, goal: 'apply', origin: 'doctor' })
  context.runner.wake()
  return [run.id]
}

function bySeverity<T extends Finding & { fixed: boolean }>(findings: readonly T[]): T[] {
  const rank = ({ severity, fixed }: T): number => (fixed ? 2 : severity === 'error' ? 0 : 1)
  return findings.toSorted((a, b) => rank(a) - rank(b))
}
