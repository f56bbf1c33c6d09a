import { LarderError } from '../../core/index.ts'
import type { AppliedEntry, HostResult } from '../converge/host-plan.ts'
import type { MachineDetail, MachineReport } from './machine-memory.ts'

type Report = Pick<MachineReport, 'state' | 'detail' | 'hasChanged'>

/** What is remembered of an apply, and the error that a run fails with when not all is as declared. */
export function reportMachine(
  machine: string,
  result: HostResult,
  address: string | undefined,
): { report: Report; error: LarderError | undefined } {
  if ('unreachable' in result) {
    const why = result.unreachable.message
    const detail: MachineDetail = { address, os: undefined, ok: 0, resources: [], why }
    return { report: { state: 'unreachable', detail, hasChanged: false }, error: result.unreachable }
  }
  const { entries, facts, lost } = result
  const notOk = entries.filter(({ outcome }) => outcome !== 'ok' && outcome !== 'changed')
  const error = lost ?? (notOk.length === 0 ? undefined : failure(machine, notOk))
  const detail: MachineDetail = {
    address,
    os: `${facts.os} ${facts.version}`.trim(),
    ok: entries.length - notOk.length,
    resources: entries
      .filter(({ outcome }) => outcome !== 'ok')
      .map(({ id, outcome, why }) => ({ id, outcome, why: why ?? undefined })),
    why: error?.message,
  }
  const hasChanged = entries.some(({ outcome }) => outcome === 'changed')
  return { report: { state: error === undefined ? 'converged' : 'failed', detail, hasChanged }, error }
}

function failure(machine: string, entries: readonly AppliedEntry[]): LarderError {
  const failed = entries.filter(({ outcome }) => outcome === 'failed')
  const told = (failed.length > 0 ? failed : entries).map(({ id, why, log }) => {
    const said = log.trimEnd().split('\n').slice(-3).join('\n')
    return `Machine ${machine}: ${id}: ${why ?? 'it is not known what became of it'}${said === '' ? '' : `\n${said}`}`
  })
  const skipped = entries.length - failed.length
  const more = failed.length > 0 && skipped > 0 ? `\n${skipped} more were left, since they come after it.` : ''
  return new LarderError(
    entries.some(({ outcome }) => outcome === 'unknown') ? 'FLEET_HOST_UNREACHABLE' : 'FLEET_APPLY_FAILED',
    {
      message: told.join('\n') + more,
      hint: 'The next run goes on from there: larder run retry.',
      context: { machine, resources: entries.map(({ id, outcome }) => ({ id, outcome })) },
    },
  )
}
