import { lines, sh } from '../shell/script.ts'
import { probeScript, type Probe } from '../resource/probe.ts'
import type { Resource } from '../resource/resource-type.ts'
import { askedType } from './asked-type.ts'

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

const readinessType = askedType<Readiness>({
  name: 'ready',
  subjectOf: ({ unit }) => unit,
  ask: ({ probe }) => probeScript(probe),
  lacking: () => ({ what: 'ready', from: 'no', to: 'yes' }),
  apply: ({ unit }) => lines(sh`systemctl reset-failed -- ${unit} 2>/dev/null || :`, sh`systemctl restart -- ${unit}`),
  ready: ({ probe }) => probeScript(probe),
})
