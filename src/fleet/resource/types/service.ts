import { z } from 'zod'
import { lines, nothing, sh, type Script } from '../../shell/script.ts'
import { unitName } from '../grammar.ts'
import { probeSchema, probeScript, readyMsOf, readyTimeout } from '../probe.ts'
import type { Difference, ResourceType } from '../resource-type.ts'
import { activeScript, isActive, isEnabled, type UnitFacts } from '../unit-facts.ts'

const schema = z
  .strictObject({
    service: z
      .string()
      .transform((name) => (/\.(?:service|socket|timer|mount|path|target)$/.test(name) ? name : `${name}.service`))
      .pipe(unitName)
      .refine((name) => !name.includes('@.'), 'one of its instances is needed: getty@tty1'),
    running: z.boolean().default(true),
    enabled: z.boolean().default(true).describe('It starts with the machine'),
    notified: z.enum(['restart', 'reload']).default('restart').describe('What it does when something notifies it'),
    ready: probeSchema.optional().describe('Default: systemd says that it is active'),
    ready_timeout: readyTimeout,
  })
  .describe('A unit of systemd that runs, or does not')

type Declared = z.output<typeof schema>

export const serviceType: ResourceType<Declared, Declared, UnitFacts> = {
  name: 'service',
  schema,
  subjectOf: (declared) => declared.service.replace(/\.service$/, ''),
  resolve: async (declared) => declared,
  after: ({ service }) => {
    const name = service.replace(/(?:@.*)?\.[a-z]+$/, '')
    return [
      'package:*',
      `unit:${service}`,
      `unit:${name}@.service`,
      `unit:${service}.d/*`,
      `file:/etc/systemd/system/${service}`,
      `file:/etc/systemd/system/${name}@.service`,
      `file:/etc/systemd/system/${service}.d/*`,
      `file:/etc/${name}/*`,
      `file:/etc/default/${name}`,
      `file:/etc/sysconfig/${name}`,
    ]
  },
  asks: ({ service }) => ({ units: [service] }),
  read: (_, all, seen) =>
    seen.map(({ units }, at) => {
      if (typeof units === 'string') return { known: false, why: units }
      const [facts] = units
      const { service, running, enabled } = all[at]!
      return facts!.loadState === 'not-found' && (running || enabled)
        ? { known: false, why: `there is no unit ${service} yet` }
        : { known: true, facts: facts! }
    }),
  diff: ({ running, enabled }, facts) => {
    const differences: Difference[] = []
    if (isEnabled(facts) !== enabled && !(facts.unitFileState === '' || (!enabled && canNotBeDisabled(facts)))) {
      differences.push({ what: 'enabled', from: facts.unitFileState, to: enabled ? 'enabled' : 'disabled' })
    }
    if (!isAsAsked(facts, running)) {
      differences.push({ what: 'running', from: facts.activeState, to: running ? 'active' : 'inactive' })
    }
    if (running && facts.needsReload) differences.push({ what: 'loaded', from: 'an older text', to: 'this text' })
    return differences
  },
  apply: ({ service, running, enabled }, { facts, differences }) => {
    const changed = new Set(differences.map(({ what }) => what))
    const isUnknown = facts === undefined
    return lines(
      facts?.needsReload === false ? nothing : sh`systemctl daemon-reload`,
      isUnknown || changed.has('enabled') ? sh`systemctl ${enabled ? 'enable' : 'disable'} -q -- ${service}` : nothing,
      isUnknown || changed.has('running') ? (running ? start(service) : sh`systemctl stop -- ${service}`) : nothing,
    )
  },
  notified: ({ service, running, notified }) => {
    if (!running) return sh`:`
    const does = notified === 'reload' ? sh`reload-or-restart` : sh`restart`
    return sh`[ "$(systemctl show --value -p NeedDaemonReload -- ${service})" != yes ] || systemctl daemon-reload
systemctl ${does} -- ${service}`
  },
  ready: ({ service, running, ready }) => {
    if (!running) return undefined
    const active = activeScript(service)
    return ready === undefined ? active : sh`${active} && ${probeScript(ready)}`
  },
  readyMs: (desired) => readyMsOf(desired.ready_timeout),
}

/** One that is begun again and again is not stopped meanwhile: systemd.service(5), Restart. */
function isAsAsked(facts: UnitFacts, running: boolean): boolean {
  if (running) return isActive(facts)
  return facts.loadState === 'not-found' || ['inactive', 'failed'].includes(facts.activeState)
}

const canNotBeDisabled = ({ unitFileState }: UnitFacts): boolean => unitFileState !== 'enabled'

/** A failed one has perhaps failed too often to be started again; why it fails now is in its log. */
function start(unit: string): Script {
  return sh`systemctl reset-failed -- ${unit} 2>/dev/null || :
systemctl start -- ${unit} || { systemctl status --no-pager -n 20 -- ${unit} >&2 || :; exit 1; }`
}
