import { z } from 'zod'
import { lines, sh } from '../shell/script.ts'
import { cutOff, readRecords, records } from '../resource/fact-text.ts'
import { probeScript, type Probe } from '../resource/probe.ts'
import type { Resource, ResourceType } from '../resource/resource-type.ts'

interface Readiness {
  readonly unit: string
  readonly probe: Probe
}

/**
 * That a service is of use, as a resource of its own that comes after the one that runs it: so that one which runs and does not
 * answer is found, and begun anew.
 */
export function readinessOf(
  service: string,
  desired: Readiness & { after: readonly string[]; origin: string },
): Resource {
  const { unit, probe, after, origin } = desired
  return { id: `ready:${service}`, type: readinessType, desired: { unit, probe }, after, notify: [], origin }
}

const readinessType: ResourceType<never, Readiness, boolean> = {
  name: 'ready',
  schema: z.never(),
  subjectOf: ({ unit }: Readiness) => unit,
  resolve: (declared) => Promise.resolve(declared),
  facts: (all) =>
    records(
      all.map(({ probe }) => sh`if { ${probeScript(probe)}; } >/dev/null 2>&1; then echo ready; else echo not; fi`),
    ),
  read: (output, all) =>
    readRecords(output.toString('latin1').split('\n'), all.length).map((record) =>
      record === undefined ? { known: false, why: cutOff } : { known: true, facts: record.has('ready') },
    ),
  diff: (_, isReady) => (isReady ? [] : [{ what: 'ready', from: 'no', to: 'yes' }]),
  apply: ({ unit }) => lines(sh`systemctl reset-failed -- ${unit} 2>/dev/null || :`, sh`systemctl restart -- ${unit}`),
  ready: ({ probe }) => probeScript(probe),
}
